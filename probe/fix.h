/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROBE_FIX_H
#define PROBE_FIX_H

#include "base/compiler.h"
#include "base/err.h"
#include "check/check.h"

#include <stdbool.h>

#define FIX_MODULES_LOAD "/etc/modules-load.d/kepler.conf"

/* Applies what the findings advise: loads modules and notes them in FIX_MODULES_LOAD, so that they
   outlive a reboot; installs packages only if @packages, by the installer of the distribution,
   whose list of packages is fetched once before. Each step is said on stderr before it is done.
   *ret_done counts steps that changed something. The first failure ends it; -EPERM without root. */
MUST_USE int fix_apply(const struct probe *p, bool packages, unsigned *ret_done, struct err *err);

#define FIX_COMMANDS 3                     /* refresh, install, load */
#define FIX_WORDS    (INSTALLER_WORDS + 2) /* with the package and the final NULL */
struct fix_command {
    const char *word[FIX_WORDS]; /* borrowed, up to a NULL */
    bool may_fail;               /* what comes after it may do all the same */
};

/* Pure: what is run for @fix, in this order; says how many. @is_fresh: the list of packages was
   fetched already. */
size_t fix_commands(const struct probe_fix *fix, bool is_fresh,
                    struct fix_command ret[FIX_COMMANDS]);

/* Pure: @text (a modules-load.d file) with a line @module, into @ret; false if it has one. */
bool fix_add_line(const char *text, const char *module, struct buf *ret);

#endif
