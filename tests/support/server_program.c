/* Finds the programs of the servers under test: see ts_server_program in server.h. */
#include "server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef TS_SOURCE_DIR
#define TS_SOURCE_DIR "."
#endif

static const char valkey_in_tree[] = ".deps/servers/valkey-8.0/server";

static bool runnable(const char *path)
{
    struct stat status;
    return access(path, X_OK) == 0 && stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

static bool take_file(const char *folder, size_t folder_length, const char *name, char *path,
                      size_t size)
{
    int length = snprintf(path, size, "%.*s/%s", (int)folder_length, folder, name);
    return length > 0 && (size_t)length < size && runnable(path);
}

static bool search_path(const char *name, char *path, size_t size)
{
    const char *folders = getenv("PATH");
    while (folders && *folders) {
        size_t length = strcspn(folders, ":");
        if (take_file(folders, length, name, path, size))
            return true;
        folders += length + (folders[length] == ':');
    }
    return false;
}

static bool search_tree(char *path, size_t size)
{
    const char *told = getenv("VOUCH_SOURCE_DIR");
    if (told && take_file(told, strlen(told), valkey_in_tree, path, size))
        return true;
    return take_file(TS_SOURCE_DIR, strlen(TS_SOURCE_DIR), valkey_in_tree, path, size);
}

bool ts_server_program(ts_server_kind kind, char *path, size_t size)
{
    bool redis = kind == TS_REDIS;
    const char *told = getenv(redis ? "VOUCH_REDIS_SERVER" : "VOUCH_VALKEY_SERVER");
    if (told && *told) {
        int length = snprintf(path, size, "%s", told);
        return length > 0 && (size_t)length < size && runnable(path);
    }
    if (search_path(redis ? "redis-server" : "valkey-server", path, size))
        return true;
    return !redis && search_tree(path, size);
}

bool ts_server_available(ts_server_kind kind)
{
    char path[4096];
    return ts_server_program(kind, path, sizeof path);
}
