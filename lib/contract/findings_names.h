/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTRACT_FINDINGS_NAMES_H
#define CONTRACT_FINDINGS_NAMES_H

#include <stddef.h>

extern const char *const finding_status_names[]; /* by enum finding_status */
extern const size_t finding_status_count;

#endif
