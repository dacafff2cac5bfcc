/* SPDX-License-Identifier: Apache-2.0 */
/* Which cloud, if any: DMI first, then the instance metadata service (IMDSv2, over a plain socket:
   the static probe has neither libcurl nor a resolver). */
#ifndef HOST_CLOUD_H
#define HOST_CLOUD_H

#include "base/compiler.h"
#include "base/err.h"
#include "base/rootfs.h"

#include <stdbool.h>

struct dmi_facts {
    char vendor[64];  /* sys_vendor: "Amazon EC2" */
    char product[64]; /* product_name: "c5.metal" on EC2 Nitro */
    char bios[64];    /* bios_vendor and bios_version: "Amazon EC2 1.0", "Xen 4.11.amazon" */
};
/* Fields are "" where the firmware says nothing. */
void dmi_read(const struct rootfs *fs, struct dmi_facts *ret);
/* Pure: the firmware is a hypervisor's; of EC2, where it is Amazon's on all, the instance type is
   no metal one. For processors whose CPUID does not tell (arm64 has none). */
bool dmi_is_virtual(const struct dmi_facts *dmi);

struct cloud_facts {
    char provider[16];      /* "ec2", "gcp", "azure", ""; from DMI */
    char instance_type[48]; /* "c5.metal"; "" unknown */
    char region[32];
    char zone[32];
    char instance_id[32]; /* only kept in memory: --record never writes it */
    bool is_metal;        /* the type's name ends in .metal or has .metal- in it */
};
void cloud_from_dmi(const struct dmi_facts *dmi, struct cloud_facts *ret);
bool cloud_is_metal(const char *instance_type); /* "c5.metal", "m7i.metal-24xl" */

/* Asks http://@host:@port (NULL: 169.254.169.254:80; else an IPv4 or IPv6 address) with a token, at
   most @timeout_ms in all, and fills what it learns: type, region, zone, instance id; what the
   service does not have (404) stays as it was. Nothing is written on failure. -ETIMEDOUT,
   -ECONNREFUSED, -EACCES (401/403), -EPROTO (an answer that makes no sense), -EINVAL (@host). */
MUST_USE int imds_read(const char *host, int port, int timeout_ms, struct cloud_facts *ret,
                       struct err *err);

#endif
