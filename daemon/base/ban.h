/*
 * ban.h - functions that this code base does not use, refused at compile time.
 *
 * Included into every translation unit from the command line (-include), so that no file can
 * forget it. Each name below either writes without a bound, keeps hidden state, or starts a shell.
 * What to use instead: buf.h for building strings, strtok_r or str_split for cutting them,
 * sys/child.h for starting programs.
 */
#ifndef YM_BASE_BAN_H
#define YM_BASE_BAN_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define YM_BANNED(f) ym_banned_function_##f

#undef strcpy
#define strcpy(d, s) YM_BANNED(strcpy)
#undef strcat
#define strcat(d, s) YM_BANNED(strcat)
#undef strncpy
#define strncpy(d, s, n) YM_BANNED(strncpy)
#undef strncat
#define strncat(d, s, n) YM_BANNED(strncat)
#undef sprintf
#define sprintf(...) YM_BANNED(sprintf)
#undef vsprintf
#define vsprintf(...) YM_BANNED(vsprintf)
#undef gets
#define gets(s) YM_BANNED(gets)
#undef strtok
#define strtok(s, d) YM_BANNED(strtok)
#undef system
#define system(c) YM_BANNED(system)
#undef popen
#define popen(c, m) YM_BANNED(popen)

#endif
