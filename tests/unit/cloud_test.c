/* SPDX-License-Identifier: Apache-2.0 */
#include "host/cloud.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

/* cmocka needs the four headers above first */
#include <cmocka.h>

#include "tree.h"

static void provider_and_type_from_dmi(void **state)
{
    static const struct {
        const char *why;
        struct dmi_facts dmi;
        const char *provider, *type;
        bool metal;
    } rows[] = {
        { "EC2 bare metal",
          { "Amazon EC2", "c5.metal", "Amazon EC2 1.0" },
          "ec2",
          "c5.metal",
          true },
        { "EC2 bare metal of a size",
          { "Amazon EC2", "m7i.metal-24xl", "Amazon EC2 1.0" },
          "ec2",
          "m7i.metal-24xl",
          true },
        { "EC2 Nitro, virtual", { "Amazon EC2", "c5.large", "" }, "ec2", "c5.large", false },
        { "EC2 on Xen: only the BIOS says so, and no type",
          { "Xen", "HVM domU", "Xen 4.11.amazon" },
          "ec2",
          "",
          false },
        { "another Xen", { "Xen", "HVM domU", "Xen 4.17" }, "", "", false },
        { "EC2 with a product that is no type",
          { "Amazon EC2", "Not Specified", "" },
          "ec2",
          "",
          false },
        { "Google Compute Engine",
          { "Google", "Google Compute Engine", "Google Google" },
          "gcp",
          "",
          false },
        { "a laptop of Google's is no cloud", { "Google", "Eve", "coreboot" }, "", "", false },
        { "Azure",
          { "Microsoft Corporation", "Virtual Machine", "American Megatrends Inc." },
          "azure",
          "",
          false },
        { "a laptop of Microsoft's is no cloud",
          { "Microsoft Corporation", "Surface Pro", "" },
          "",
          "",
          false },
        { "a server of one's own",
          { "Dell Inc.", "PowerEdge R650", "Dell Inc. 1.9.2" },
          "",
          "",
          false },
        { "no firmware tables", { "", "", "" }, "", "", false },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct cloud_facts got;
        memset(&got, 'x', sizeof(got));
        cloud_from_dmi(&rows[i].dmi, &got);
        if (strcmp(got.provider, rows[i].provider) != 0 ||
            strcmp(got.instance_type, rows[i].type) != 0 || got.is_metal != rows[i].metal ||
            got.region[0] != '\0' || got.instance_id[0] != '\0')
            fail_msg("%s: got \"%s\" \"%s\" %d", rows[i].why, got.provider, got.instance_type,
                     got.is_metal);
    }
}

static void virtual_by_dmi(void **state)
{
    static const struct {
        const char *why;
        struct dmi_facts dmi;
        bool is_virtual;
    } rows[] = {
        { "a Graviton instance", { "Amazon EC2", "m6g.large", "Amazon EC2 1.0" }, true },
        { "Graviton's bare metal", { "Amazon EC2", "m6g.metal", "Amazon EC2 1.0" }, false },
        { "Graviton's bare metal of a size", { "Amazon EC2", "m8g.metal-24xl", "" }, false },
        { "Azure's Cobalt",
          { "Microsoft Corporation", "Virtual Machine", "Microsoft Corporation Hyper-V UEFI" },
          true },
        { "Google's Axion", { "Google", "Google Compute Engine", "Google Google" }, true },
        { "Oracle's Ampere A1", { "QEMU", "KVM Virtual Machine", "EFI Development Kit II" }, true },
        { "Hetzner's CAX", { "Hetzner", "vServer", "Hetzner 20171111" }, true },
        { "a laptop's guest", { "Apple Inc.", "Apple Virtualization Generic Platform", "" }, true },
        { "VMware", { "VMware, Inc.", "VMware20,1", "" }, true },
        { "an Ampere server", { "HPE", "ProLiant RL300 Gen11", "HPE 1.58" }, false },
        { "a board with a free UEFI", { "SolidRun Ltd.", "HoneyComb", "EDK II" }, false },
        { "no firmware tables: a single-board computer", { "", "", "" }, false },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (dmi_is_virtual(&rows[i].dmi) != rows[i].is_virtual)
            fail_msg("%s", rows[i].why);
    }
}

static void metal_by_the_name_of_a_type(void **state)
{
    static const struct {
        const char *type;
        bool metal;
    } rows[] = { { "c5.metal", true },      { "m7i.metal-24xl", true }, { "c5.large", false },
                 { "metal", false },        { "c5.metallic", false },   { "", false },
                 { "metal.large", false },  { "i3en.metal", true },     { "u-6tb1.metal", true },
                 { "x.metal-large", true }, { "c5metal", false } };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (cloud_is_metal(rows[i].type) != rows[i].metal)
            fail_msg("%s", rows[i].type);
    }
}

static void dmi_of_a_dump(void **state)
{
    (void)state;
    struct dmi_facts got;
    AUTO_TREE t;
    tree_make(&t);
    dmi_read(&t.fs, &got);
    assert_string_equal(got.vendor, "");
    assert_string_equal(got.product, "");
    assert_string_equal(got.bios, "");

    tree_put(&t, "/sys/class/dmi/id/sys_vendor", "Xen\n");
    tree_put(&t, "/sys/class/dmi/id/product_name", "  HVM domU   \n");
    tree_put(&t, "/sys/class/dmi/id/bios_version", "4.11.amazon\n");
    dmi_read(&t.fs, &got);
    assert_string_equal(got.vendor, "Xen");
    assert_string_equal(got.product, "HVM domU");
    assert_string_equal(got.bios, "4.11.amazon");
    tree_put(&t, "/sys/class/dmi/id/bios_vendor", "Xen\n");
    dmi_read(&t.fs, &got);
    assert_string_equal(got.bios, "Xen 4.11.amazon");

    /* both fit, but not together: the vendor alone */
    tree_put(&t, "/sys/class/dmi/id/bios_version",
             "0123456789012345678901234567890123456789012345678901234567890\n");
    dmi_read(&t.fs, &got);
    assert_string_equal(got.bios, "Xen");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(provider_and_type_from_dmi),
        cmocka_unit_test(virtual_by_dmi),
        cmocka_unit_test(metal_by_the_name_of_a_type),
        cmocka_unit_test(dmi_of_a_dump),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
