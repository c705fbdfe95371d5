#ifndef TS_LOCALES_H
#define TS_LOCALES_H

#include <stddef.h>

/* Locales for a test that must run under one, whatever the machine has installed. */

/* Makes them ("de_DE"; UTF-8) with localedef in a temporary folder and points LOCPATH there. Ends the
 * program if that cannot be done: Debian's and Ubuntu's package `locales` has the sources. */
void ts_locales_make(const char *const *names, size_t count);
void ts_locales_remove(void);
/* setlocale(LC_ALL) to one of them. Ends the program if numbers then do not have this radix, since the
 * test would show nothing. */
void ts_locales_set(const char *name, const char *radix);

#endif
