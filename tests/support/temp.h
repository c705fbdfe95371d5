#ifndef TS_TEMP_H
#define TS_TEMP_H

#include <limits.h>
#include <stddef.h>

/* Folders that a test works in. */

/* Longest name of a temporary folder: what still leaves room for a socket's name in it. */
enum { TS_TEMP_MAX = 80 };

/* Makes a fresh folder in $TMPDIR, or in /tmp when that is unset or its name too long for a Unix
 * socket, and writes its name to `path`. Ends the program when it cannot. */
void ts_temp_make(char path[TS_TEMP_MAX]);
/* Removes the folder and all in it. An empty name does nothing. */
void ts_temp_remove(const char *path);

#endif
