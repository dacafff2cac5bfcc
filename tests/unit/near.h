/* SPDX-License-Identifier: Apache-2.0 */
/* Figures that agree, whatever their last digits. NaN agrees with nothing. Include after cmocka.h.
 */
#ifndef TESTS_NEAR_H
#define TESTS_NEAR_H

#include <math.h>

static inline void assert_near(double got, double want, double tolerance, const char *why)
{
    if (!(fabs(got - want) <= tolerance))
        fail_msg("%s: got %.12g, want %.12g", why, got, want);
}

/* To nine digits: what rounding alone may change. */
static inline void assert_close(double got, double want, const char *why)
{
    assert_near(got, want, 1e-9 * fabs(want) + 1e-12, why);
}

#endif
