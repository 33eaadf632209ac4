/*
 * patience.h - how long a test waits for what has to come: as good as for ever.
 *
 * A wait that has a limit of seconds measures the machine and not the program. So every wait of these
 * tests ends when what it waits for is there, and PATIENT_MS only ends the waits of a test that somebody
 * runs by hand; in `make check` a program that says nothing more and gets nowhere is ended from outside
 * (contrib/check). Nothing asserts that something took less than some time: `make bench` has such figures.
 * What must be quick is shown by making the alternative endless.
 */
#ifndef YM_TESTS_PATIENCE_H
#define YM_TESTS_PATIENCE_H

#define PATIENT_MS 1800000 /* half an hour */

#endif
