/* SPDX-License-Identifier: Apache-2.0 */
/* Force-included (-include) into every C file: each name below has a safer form in lib/base. */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#undef sprintf /* macros in glibc's fortified headers under clang */
#undef vsprintf

#pragma GCC poison strcpy strcat strncpy strtok sprintf vsprintf gets
#pragma GCC poison atoi atol atof sscanf localtime gmtime asctime ctime

#endif
