/* SPDX-License-Identifier: Apache-2.0 */
/* `kepler-exporter estimate`: the watts of any machine, from what is said of it. */
#ifndef EXPORTER_ESTIMATE_H
#define EXPORTER_ESTIMATE_H

/* @argv[0] is "estimate". Exit code: 0 the figure is on stdout, 2 a usage error, 1 else. */
int estimate_main(int argc, char **argv);

#endif
