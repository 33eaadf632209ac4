/*
 * analyze.h - what an analyser cannot know, because it sees one file at a time: these functions always
 * return -1. Put before each file by `make analyze`, and used nowhere else.
 */
#include "base/err.h"

static inline int analyze_minus_one(int unused)
{
	(void)unused;
	return -1;
}

#define err_set(...)   analyze_minus_one(err_set(__VA_ARGS__))
#define err_errno(...) analyze_minus_one(err_errno(__VA_ARGS__))
#define err_wrap(...)  analyze_minus_one(err_wrap(__VA_ARGS__))
