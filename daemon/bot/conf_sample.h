/*
 * conf_sample.h - the commented yardmaster.yml that `init` writes.
 *
 * Every key of the file is in it, commented out, with its default or an example, its limits and what it is
 * for. Numbers come from the tables that read them. A line of prose begins with "# " and a letter; without
 * their '#' all other commented lines are a configuration that loads.
 */
#ifndef YM_BOT_CONF_SAMPLE_H
#define YM_BOT_CONF_SAMPLE_H

/* Caller frees. */
char *conf_sample(void);

#endif
