/* SPDX-License-Identifier: Apache-2.0 */
#include "host/cloud.h"

#include "host/span.h"

#define DMI "/sys/class/dmi/id/"

static void read_field(const struct rootfs *fs, const char *path, char *ret, size_t size)
{
    if (rootfs_read_text(fs, path, ret, size) < 0)
        ret[0] = '\0';
    /* firmware pads its strings with blanks */
    struct span trimmed = span_trim(span_of(ret));
    memmove(ret, trimmed.at, trimmed.len);
    ret[trimmed.len] = '\0';
}

void dmi_read(const struct rootfs *fs, struct dmi_facts *ret)
{
    char vendor[sizeof(ret->bios)];
    char version[sizeof(ret->bios)];
    read_field(fs, DMI "sys_vendor", ret->vendor, sizeof(ret->vendor));
    read_field(fs, DMI "product_name", ret->product, sizeof(ret->product));
    read_field(fs, DMI "bios_vendor", vendor, sizeof(vendor));
    read_field(fs, DMI "bios_version", version, sizeof(version));
    const char *between = vendor[0] != '\0' && version[0] != '\0' ? " " : "";
    int n = snprintf(ret->bios, sizeof(ret->bios), "%s%s%s", vendor, between, version);
    if (n < 0 || (size_t)n >= sizeof(ret->bios))
        (void)span_copy(span_of(vendor), ret->bios, sizeof(ret->bios));
}

bool cloud_is_metal(const char *instance_type)
{
    struct span type = span_of(instance_type);
    return span_drop_suffix(&type, ".metal") || strstr(instance_type, ".metal-") != NULL;
}

/* Xen instances: "HVM domU" of vendor "Xen", and only the BIOS version says "4.11.amazon" (EC2 User
   Guide, "Identify EC2 instances"). */
static bool is_ec2(const struct dmi_facts *dmi)
{
    return strcmp(dmi->vendor, "Amazon EC2") == 0 || strcasestr(dmi->bios, "amazon") ||
           strcasestr(dmi->product, "amazon");
}

/* "Google Compute Engine"; Google's own laptops have the vendor only. */
static bool is_gcp(const struct dmi_facts *dmi)
{
    return strcmp(dmi->vendor, "Google") == 0 && strncmp(dmi->product, "Google", 6) == 0;
}

static bool is_azure(const struct dmi_facts *dmi)
{
    return strcmp(dmi->vendor, "Microsoft Corporation") == 0 &&
           strcmp(dmi->product, "Virtual Machine") == 0;
}

/* Names that hypervisors give their machines, as systemd's detect_vm_dmi() knows them
   (src/basic/virt.c), and clouds that put their own there, at the start of vendor, product or BIOS.
   Not those that are on real machines, too ("Oracle Corporation", "EDK II"). */
static bool names_hypervisor(const char *text)
{
    static const char *const names[] = {
        "QEMU",
        "KVM",
        "OpenStack",
        "KubeVirt",
        "VMware",
        "VMW",
        "innotek",
        "VirtualBox",
        "Xen",
        "Bochs",
        "Parallels",
        "BHYVE",
        "Hyper-V",
        "Apple Virtualization",
        "Google Compute Engine",
        "Virtual Machine",
        "Alibaba Cloud ECS",
        "vServer",
    };
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strncmp(text, names[i], strlen(names[i])) == 0)
            return true;
    }
    return false;
}

bool dmi_is_virtual(const struct dmi_facts *dmi)
{
    struct cloud_facts cloud;
    cloud_from_dmi(dmi, &cloud);
    if (strcmp(cloud.provider, "ec2") == 0)
        return !cloud.is_metal;
    return names_hypervisor(dmi->vendor) || names_hypervisor(dmi->product) ||
           names_hypervisor(dmi->bios);
}

void cloud_from_dmi(const struct dmi_facts *dmi, struct cloud_facts *ret)
{
    static const struct {
        const char *provider;
        bool (*is)(const struct dmi_facts *dmi);
    } rows[] = { { "ec2", is_ec2 }, { "gcp", is_gcp }, { "azure", is_azure } };

    *ret = (struct cloud_facts){ 0 };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (!rows[i].is(dmi))
            continue;
        (void)span_copy(span_of(rows[i].provider), ret->provider, sizeof(ret->provider));
        break;
    }
    /* Nitro's firmware gives the instance type, "family.size", as the product */
    if (strcmp(dmi->vendor, "Amazon EC2") == 0 && strchr(dmi->product, '.') &&
        !strchr(dmi->product, ' '))
        (void)span_copy(span_of(dmi->product), ret->instance_type, sizeof(ret->instance_type));
    ret->is_metal = cloud_is_metal(ret->instance_type);
}
