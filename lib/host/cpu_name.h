/* SPDX-License-Identifier: Apache-2.0 */
/* Names of processors, as each side writes them, brought to one form. */
#ifndef HOST_CPU_NAME_H
#define HOST_CPU_NAME_H

#include <stddef.h>

#define CPU_NAME_SIZE 128

/* Pure. "Intel(R) Xeon(R) Platinum 8275CL CPU @ 3.00GHz" is "intel xeon platinum 8275cl": lower
   case, without marks, frequency and the words that only one side writes. */
void cpu_name_normalise(const char *name, char *ret, size_t size);

#endif
