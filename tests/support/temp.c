/* Temporary folders with names short enough for the sockets in them: see temp.h. */
#include "temp.h"

#include "base.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OPEN_FOLDERS = 16 };

void ts_temp_make(char path[TS_TEMP_MAX])
{
    const char *parent = getenv("TMPDIR");
    if (!parent || !*parent || strlen(parent) + sizeof "/vouch-XXXXXX" > TS_TEMP_MAX)
        parent = "/tmp";
    snprintf(path, TS_TEMP_MAX, "%s/vouch-XXXXXX", parent);
    if (!mkdtemp(path))
        ts_die("cannot make a folder in %s: %s", parent, strerror(errno));
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

void ts_temp_remove(const char *path)
{
    if (!path || !*path)
        return;
    if (nftw(path, remove_one, OPEN_FOLDERS, FTW_DEPTH | FTW_PHYS) != 0 && errno != ENOENT)
        ts_note("cannot remove %s: %s", path, strerror(errno));
}
