/* SPDX-License-Identifier: Apache-2.0 */
#include "host/cgroup.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

/* cmocka needs the four headers above first */
#include <cmocka.h>

#include "tree.h"

#define ID_A "15a1b85104ad4e6d322dee50bd043a4f19edecad8ae69686dd67e894c6bf3d40"
#define ID_B "537bef63081fe4f3dda35f07f0d5304079d0016e881429b3e8bbe57c0d14e128"
#define UID  "f46de874-b49c-4262-96f1-adcec6db3e27"
#define UID_ "f46de874_b49c_4262_96f1_adcec6db3e27"
#define UID2 "b58b4ece-903b-4318-b912-2a9cdb1160e3"
#define HASH "9f0a2b4c6d8e0f1a2b3c4d5e6f708192"

/* Lines of running kubelets (v1.34, containerd 1.6), of docker, CRI-O, podman and their nestings.
 */
static void finds_the_container_of_a_path(void **state)
{
    static const struct {
        const char *why, *text, *id, *runtime, *pod;
    } rows[] = {
        { "a process of the host is in none", "0::/user.slice/user-0.slice/session-1.scope\n", "",
          "", "" },
        { "the root group is none", "9:name=systemd:/\n2:cpuacct:/\n0::/\n", "", "", "" },
        { "no lines, no container", "", "", "", "" },
        { "docker, cgroupfs driver", "4:memory:/docker/" ID_A "\n", ID_A, "docker", "" },
        { "docker, systemd driver", "0::/system.slice/docker-" ID_A ".scope\n", ID_A, "docker",
          "" },
        { "a group inside of a container is still its", "0::/docker/" ID_A "/init/x\n", ID_A,
          "docker", "" },
        { "docker in rootless mode",
          "0::/user.slice/user-1000.slice/user@1000.service/user.slice/docker-" ID_A ".scope\n",
          ID_A, "docker", "" },
        { "Amazon ECS", "3:cpuset:/ecs/0123456789abcdef0123456789abcdef/" ID_A "\n", ID_A, "docker",
          "" },
        { "containerd's own namespace", "0::/k8s.io/" ID_A "\n", ID_A, "containerd", "" },
        { "nerdctl", "0::/system.slice/nerdctl-" ID_A ".scope\n", ID_A, "containerd", "" },
        { "podman, with the payload in a group below",
          "0::/machine.slice/libpod-" ID_A ".scope/container\n", ID_A, "podman", "" },
        { "podman, cgroupfs manager", "0::/libpod_parent/libpod-" ID_A "\n", ID_A, "podman", "" },
        { "podman under a systemd unit", "0::/system.slice/web.service/libpod-payload-" ID_A "\n",
          ID_A, "podman", "" },
        { "podman's monitor is outside", "0::/machine.slice/libpod-conmon-" ID_A ".scope\n", "", "",
          "" },
        { "CRI-O in a pod",
          "0::/kubepods.slice/kubepods-pod" UID_ ".slice/crio-" ID_A ".scope/container\n", ID_A,
          "crio", UID },
        { "CRI-O's monitor is no container, even in a pod",
          "0::/kubepods.slice/kubepods-pod" UID_ ".slice/crio-conmon-" ID_A ".scope\n", "", "",
          "" },
        { "kubelet, cgroupfs driver, v1 hybrid, Burstable",
          "1:cpu:/kubepods/burstable/pod" UID "/" ID_A "\n", ID_A, "kubepods", UID },
        { "kubelet, cgroupfs driver, unified line",
          "0::/kubepods/besteffort/pod" UID2 "/" ID_B "\n", ID_B, "kubepods", UID2 },
        { "kubelet, cgroupfs driver, Guaranteed: no QoS level in the path",
          "1:cpu:/kubepods/pod" UID "/" ID_A "\n", ID_A, "kubepods", UID },
        { "kubelet, systemd driver, v1: the unified line is only \"/\"",
          "1:cpu:/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" UID_
          ".slice/cri-containerd-" ID_A ".scope\n0::/\n",
          ID_A, "containerd", UID },
        { "kubelet, systemd driver, pure v2, Guaranteed",
          "0::/kubepods.slice/kubepods-pod" UID_ ".slice/cri-containerd-" ID_A ".scope\n", ID_A,
          "containerd", UID },
        { "any line may be the one that says it",
          "9:name=systemd:/\n4:memory:/process_api/" HASH "\n1:cpu:/kubepods/pod" UID "/" ID_A
          "\n0::/\n",
          ID_A, "kubepods", UID },
        { "a static pod's uid is a hash without dashes",
          "0::/kubepods/burstable/pod" HASH "/" ID_A "\n", ID_A, "kubepods", HASH },
        { "a static pod, systemd driver",
          "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" HASH
          ".slice/cri-containerd-" ID_A ".scope\n",
          ID_A, "containerd", HASH },
        { "systemd's form under the other driver",
          "0::/system.slice/containerd.service/kubepods-burstable-pod" UID_
          ".slice:cri-containerd:" ID_A "\n",
          ID_A, "containerd", UID },
        { "the same with a v1 line",
          "4:memory:/system.slice/containerd.service/kubepods-burstable-pod" UID_
          ".slice:cri-containerd:" ID_A "\n",
          ID_A, "containerd", UID },
        { "kubelet below another root (kind)",
          "0::/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-besteffort.slice/"
          "kubelet-kubepods-besteffort-pod" UID_ ".slice/cri-containerd-" ID_A ".scope\n",
          ID_A, "containerd", UID },
        { "docker in a pod: the innermost container, the pod around it",
          "0::/kubepods/burstable/pod" UID "/" ID_A "/docker/" ID_B "\n", ID_B, "docker", UID },
        { "a pod in a pod: the outer one, which this node's kubelet knows",
          "0::/kubepods/pod" UID "/" ID_A "/kubelet/kubepods/pod" UID2 "/" ID_B "\n", ID_B,
          "kubepods", UID },
        { "kind: a pod in a docker container",
          "0::/docker/" ID_A "/kubelet/kubepods/pod" UID "/" ID_B "\n", ID_B, "kubepods", UID },
        { "a line that goes deeper wins over an earlier one",
          "4:memory:/docker/" ID_A "\n0::/docker/" ID_A "/docker/" ID_B "\n", ID_B, "docker", "" },
        { "of two lines as deep, the first", "4:memory:/docker/" ID_A "\n0::/docker/" ID_B "\n",
          ID_A, "docker", "" },
        { "the pod may stand on another line than the container",
          "4:memory:/kubepods/pod" UID "\n0::/system.slice/docker-" ID_A ".scope\n", ID_A, "docker",
          UID },
        { "a group that was just removed", "0::/docker/" ID_A " (deleted)\n", ID_A, "docker", "" },
        { "a removed scope", "0::/system.slice/docker-" ID_A ".scope (deleted)\n", ID_A, "docker",
          "" },
        { "a path out of this namespace", "0::/../docker/" ID_A "\n", ID_A, "docker", "" },
        { "no newline at the end", "0::/docker/" ID_A, ID_A, "docker", "" },
        { "a bare id below nothing known is no container", "0::/foo/" ID_A "\n", "", "", "" },
        { "63 digits are no id",
          "0::/docker/5a1b85104ad4e6d322dee50bd043a4f19edecad8ae69686dd67e894c"
          "6bf3d40\n",
          "", "", "" },
        { "65 digits are no id", "0::/docker/" ID_A "0\n", "", "", "" },
        { "capitals are no id",
          "0::/docker/15A1b85104ad4e6d322dee50bd043a4f19edecad8ae69686dd67e894c6bf3d40\n", "", "",
          "" },
        { "a pod's own group, without a container", "0::/kubepods/burstable/pod" UID "\n", "", "",
          "" },
        { "a uid with a dash too few is no pod",
          "0::/kubepods/podf46de874b49c-4262-96f1-adcec6db3e270/" ID_A "\n", "", "", "" },
        { "a slice that only looks like a pod's",
          "0::/my-pod" UID_ ".slice/docker-" ID_A ".scope\n", ID_A, "docker", "" },
        { "a slice shorter than any uid", "0::/kubepods-pod.slice/docker-" ID_A ".scope\n", ID_A,
          "docker", "" },
        { "lines without two colons say nothing", "docker/" ID_A "\n1:/docker/" ID_A "\n:\n\n", "",
          "", "" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct cgroup_container got;
        memset(&got, 'x', sizeof(got));
        bool found = cgroup_container_parse(rows[i].text, &got);
        if (found != (rows[i].id[0] != '\0') || strcmp(got.id, rows[i].id) != 0 ||
            strcmp(got.runtime, rows[i].runtime) != 0 || strcmp(got.pod_uid, rows[i].pod) != 0)
            fail_msg("%s: got %d \"%s\" \"%s\" \"%s\"", rows[i].why, found, got.id, got.runtime,
                     got.pod_uid);
    }
}

static void tells_the_version_by_mountinfo(void **state)
{
    static const struct {
        const char *why, *text;
        enum cgroup_version version;
    } rows[] = {
        { "nothing mounted", "22 1 0:21 / /proc rw - proc proc rw\n", CGROUP_NONE },
        { "empty", "", CGROUP_NONE },
        { "v1", "33 31 0:30 / /sys/fs/cgroup/cpuacct rw - cgroup cgroup rw,cpuacct\n", CGROUP_V1 },
        { "v2", "24 18 0:22 / /sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw\n", CGROUP_V2 },
        { "both",
          "33 31 0:30 / /sys/fs/cgroup/cpuacct rw - cgroup cgroup rw,cpuacct\n"
          "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n",
          CGROUP_HYBRID },
        { "a folder of that name is no mount of that type",
          "24 18 0:22 / /mnt/cgroup rw - tmpfs cgroup rw\n", CGROUP_NONE },
        { "several optional fields", "24 18 0:22 / /x rw shared:4 master:2 - cgroup2 none rw\n",
          CGROUP_V2 },
        { "cut off after the dash", "24 18 0:22 / /x rw -", CGROUP_NONE },
        { "cut off before the dash", "24 18 0:22 / /x rw cgroup2", CGROUP_NONE },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        enum cgroup_version got = cgroup_version_parse(rows[i].text);
        if (got != rows[i].version)
            fail_msg("%s: got %s", rows[i].why, cgroup_version_name(got));
    }
}

static void tells_the_version_by_folders_first(void **state)
{
    static const struct {
        const char *why, *first, *second, *mountinfo, *version;
    } rows[] = {
        { "a dump without cgroups", NULL, NULL, NULL, "none" },
        { "v2", "/sys/fs/cgroup/cgroup.controllers", NULL, NULL, "v2" },
        { "v1", "/sys/fs/cgroup/cpuacct/cpuacct.usage", NULL, NULL, "v1" },
        { "v1 as systemd mounts it", "/sys/fs/cgroup/cpu,cpuacct/cpuacct.usage", NULL, NULL, "v1" },
        { "hybrid", "/sys/fs/cgroup/cpuacct/cpuacct.usage", "/sys/fs/cgroup/unified/cpu.stat", NULL,
          "hybrid" },
        { "folders win: mountinfo may be that of another mount namespace",
          "/sys/fs/cgroup/cgroup.controllers", NULL, "1 1 0:1 / /x rw - cgroup cgroup rw\n", "v2" },
        { "mountinfo where folders say nothing", NULL, NULL, "1 1 0:1 / /x rw - cgroup cgroup rw\n",
          "v1" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_TREE t;
        tree_make(&t);
        if (rows[i].first)
            tree_put(&t, rows[i].first, "1\n");
        if (rows[i].second)
            tree_put(&t, rows[i].second, "1\n");
        if (rows[i].mountinfo)
            tree_put(&t, "/proc/self/mountinfo", rows[i].mountinfo);
        const char *got = cgroup_version_name(cgroup_version_read(&t.fs));
        if (strcmp(got, rows[i].version) != 0)
            fail_msg("%s: got %s", rows[i].why, got);
    }
}

static void reads_the_counter_of_the_root_group(void **state)
{
    static const struct {
        const char *why, *path, *text, *beside, *name;
        int code;
        uint64_t ns;
    } rows[] = {
        { "no cgroups", NULL, NULL, NULL, NULL, -ENOENT, 0 },
        { "cpuacct counts nanoseconds", "/sys/fs/cgroup/cpuacct/cpuacct.usage", "123456789012\n",
          NULL, "cpuacct", 0, UINT64_C(123456789012) },
        { "cpuacct together with cpu", "/sys/fs/cgroup/cpu,cpuacct/cpuacct.usage", "7\n", NULL,
          "cpuacct", 0, 7 },
        { "v2 counts microseconds", "/sys/fs/cgroup/cpu.stat",
          "usage_usec 5000\nuser_usec 1\nsystem_usec 2\n", NULL, "cpu.stat", 0, 5000000 },
        { "hybrid without cpuacct", "/sys/fs/cgroup/unified/cpu.stat", "usage_usec 3\n", NULL,
          "cpu.stat", 0, 3000 },
        { "a group that is not the root is not the machine", "/sys/fs/cgroup/cpu.stat",
          "usage_usec 5000\n", "/sys/fs/cgroup/cgroup.events", NULL, -ENOENT, 0 },
        { "a counter that is no number is none", "/sys/fs/cgroup/cpuacct/cpuacct.usage", "-3\n",
          NULL, NULL, -ENOENT, 0 },
        { "a cpu.stat without usage is none", "/sys/fs/cgroup/cpu.stat", "nr_periods 0\n", NULL,
          NULL, -ENOENT, 0 },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_TREE t;
        struct cgroup_cpu_counter c;
        uint64_t ns = 0;
        tree_make(&t);
        if (rows[i].path)
            tree_put(&t, rows[i].path, rows[i].text);
        if (rows[i].beside)
            tree_put(&t, rows[i].beside, "populated 1\n");
        int code = cgroup_root_counter_find(&t.fs, &c);
        if (code == 0) {
            assert_string_equal(c.name, rows[i].name);
            assert_string_equal(c.path, rows[i].path);
            assert_int_equal(cgroup_root_counter_read(&t.fs, &c, &ns), 0);
        }
        if (code != rows[i].code || ns != rows[i].ns)
            fail_msg("%s: got %d, %ju ns", rows[i].why, code, (uintmax_t)ns);
    }
}

static void prefers_the_exact_counter_on_a_hybrid(void **state)
{
    (void)state;
    AUTO_TREE t;
    struct cgroup_cpu_counter c;
    uint64_t ns = 1;
    tree_make(&t);
    tree_put(&t, "/sys/fs/cgroup/unified/cpu.stat", "usage_usec 3\n");
    tree_put(&t, "/sys/fs/cgroup/cpuacct/cpuacct.usage", "4000\n");
    assert_int_equal(cgroup_root_counter_find(&t.fs, &c), 0);
    assert_string_equal(c.name, "cpuacct");

    /* a counter that goes away says so, and leaves the last value alone */
    tree_remove(&t);
    tree_make(&t);
    assert_int_equal(cgroup_root_counter_read(&t.fs, &c, &ns), -ENOENT);
    assert_int_equal(ns, 1);
}

static void cpu_stat_is_strict(void **state)
{
    static const struct {
        const char *why, *text;
        int code;
        uint64_t usec;
    } rows[] = {
        { "first line", "usage_usec 12\nuser_usec 3\n", 0, 12 },
        { "any line", "nr_throttled 0\nusage_usec 0\n", 0, 0 },
        { "most that is nanoseconds in 64 bits", "usage_usec 18446744073709551", 0,
          UINT64_C(18446744073709551) },
        { "one more is not", "usage_usec 18446744073709552", -EBADMSG, 99 },
        { "past 64 bits", "usage_usec 99999999999999999999", -EBADMSG, 99 },
        { "a longer number than there are", "usage_usec 000000000000000000000000000001", -EBADMSG,
          99 },
        { "not a number", "usage_usec x\n", -EBADMSG, 99 },
        { "no number", "usage_usec \n", -EBADMSG, 99 },
        { "another key", "core_sched.usage_usec 1\n", -EBADMSG, 99 },
        { "nothing", "", -EBADMSG, 99 },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint64_t usec = 99;
        int code = cgroup_cpu_stat_parse(rows[i].text, &usec);
        if (code != rows[i].code || usec != rows[i].usec)
            fail_msg("%s: got %d, %ju", rows[i].why, code, (uintmax_t)usec);
    }
}

/* The machine the test runs on, whatever it is: its counter must move while this thread runs. */
static void the_live_counter_advances(void **state)
{
    (void)state;
    struct rootfs fs = ROOTFS_NONE;
    struct err err = { 0 };
    struct cgroup_cpu_counter c;
    uint64_t first_ns = 0;
    uint64_t now_ns = 0;
    const struct rootfs_paths paths = { 0 };
    assert_int_equal(rootfs_open(&fs, &paths, &err), 0);
    int code = cgroup_root_counter_find(&fs, &c);
    if (code == -ENOENT) {
        rootfs_close(&fs);
        skip(); /* a container without a view of the root group */
    }
    assert_int_equal(code, 0);
    assert_int_equal(cgroup_root_counter_read(&fs, &c, &first_ns), 0);
    clock_t begin = clock();
    while (clock() - begin < CLOCKS_PER_SEC / 20)
        continue;
    assert_int_equal(cgroup_root_counter_read(&fs, &c, &now_ns), 0);
    rootfs_close(&fs);
    /* 50 ms of this thread's time were used; the ticks of cpu.stat may miss some of it */
    assert_true(now_ns - first_ns > 20000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_container_of_a_path),
        cmocka_unit_test(tells_the_version_by_mountinfo),
        cmocka_unit_test(tells_the_version_by_folders_first),
        cmocka_unit_test(reads_the_counter_of_the_root_group),
        cmocka_unit_test(prefers_the_exact_counter_on_a_hybrid),
        cmocka_unit_test(cpu_stat_is_strict),
        cmocka_unit_test(the_live_counter_advances),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
