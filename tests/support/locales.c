/* Locales made on the spot: see locales.h. */
#include "locales.h"

#include "base.h"
#include "temp.h"

#include <locale.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>

enum { LOCALES_MAX = 8, NAME_MAX_ = 16 };

static char locale_folder[TS_TEMP_MAX];

static bool start_localedef(const char *name, pid_t *pid)
{
    char source[NAME_MAX_], folder[TS_TEMP_MAX + NAME_MAX_ + sizeof "/.UTF-8"];
    snprintf(source, sizeof source, "%s", name);
    snprintf(folder, sizeof folder, "%s/%s.UTF-8", locale_folder, source);
    char tool[] = "localedef", input[] = "-i", charset[] = "-f", utf8[] = "UTF-8";
    char *const argv[] = {tool, input, source, charset, utf8, folder, NULL};
    char *const environment[] = {NULL};
    return posix_spawnp(pid, tool, NULL, NULL, argv, environment) == 0;
}

void ts_locales_make(const char *const *names, size_t count)
{
    pid_t started[LOCALES_MAX];
    size_t n = 0;
    ts_temp_make(locale_folder);
    /* At the same time, since each takes a second. */
    while (n < count && n < LOCALES_MAX && start_localedef(names[n], &started[n]))
        n++;
    bool made = n == count;
    for (size_t i = 0; i < n; i++) {
        int status = -1;
        if (waitpid(started[i], &status, 0) != started[i] || status != 0)
            made = false;
    }
    if (!made) {
        ts_locales_remove();
        ts_die("localedef cannot make the locales (Debian, Ubuntu: install locales)");
    }
    setenv("LOCPATH", locale_folder, 1);
}

void ts_locales_remove(void)
{
    ts_temp_remove(locale_folder);
    locale_folder[0] = 0;
}

void ts_locales_set(const char *name, const char *radix)
{
    char full[NAME_MAX_ + sizeof ".UTF-8"], text[16], expected[16];
    snprintf(full, sizeof full, "%s.UTF-8", name);
    if (!setlocale(LC_ALL, full))
        ts_die("the locale %s was made and cannot be set", full);
    snprintf(text, sizeof text, "%.1f", 1.5);
    snprintf(expected, sizeof expected, "1%s5", radix);
    if (strcmp(text, expected) != 0)
        ts_die("under %s 1.5 is written %s, not %s", full, text, expected);
}
