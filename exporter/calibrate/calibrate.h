/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `kepler-exporter calibrate`: loads all CPUs in steps from 0 to 100 %, reads the machine's own
 * power sensor at each, and writes what it saw as a model file (docs/calibrate.md).
 */
#ifndef CALIBRATE_CALIBRATE_H
#define CALIBRATE_CALIBRATE_H

/* argv[0] is "calibrate". The program's exit code: 0 written (or said, with --dry-run), 1 no sensor
   or the run failed, 2 usage, 130 interrupted. */
int calibrate_main(int argc, char **argv);

#endif
