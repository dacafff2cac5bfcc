/* SPDX-License-Identifier: Apache-2.0 */
/* Where the watts of each zone come from, in words. */
#ifndef EXPOSE_ORIGIN_H
#define EXPOSE_ORIGIN_H

#include "base/buf.h"
#include "power/meter.h"

/* "source powercap, measured" where all zones say the same; else zone by zone: "package: source
   powercap, measured; dram: source model, tier E any server CPU, estimated, true value within x0.50
   .. x1.50". Nothing where no zone is present. */
void origin_text(struct buf *to, const struct meter_reading *r);

#endif
