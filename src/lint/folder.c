/* Reads a folder of rules. The one part of the linter that does I/O, outside of tool/; may call: base, the
 * engine, and what reads files. */
#include "lint/folder.h"

#include "base/alloc.h"
#include "base/error.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A rule is a page of text; a megabyte of it is something else. */
#define RULE_BYTES_MAX ((size_t)1 << 20)

struct names {
    char **list;
    size_t count, capacity;
};

static void names_free(struct names *names)
{
    for (size_t i = 0; i < names->count; i++)
        alloc_free(names->list[i]);
    alloc_free(names->list);
}

/* The length of a name without its .lua; 0: it is none of ours. */
static size_t stem(const char *name)
{
    static const char suffix[] = ".lua";
    size_t n = strlen(name), s = sizeof suffix - 1;
    return name[0] == '.' || n <= s || strcmp(name + n - s, suffix) != 0 ? 0 : n - s;
}

static vouch_status no_memory(vouch_error *error)
{
    return error_set(error, VOUCH_ENOMEM, VOUCH_CAUSE_MEMORY, "no memory for the rules");
}

static bool add_name(struct names *names, const char *name)
{
    void *list = names->list;
    if (!alloc_grow(&list, &names->capacity, names->count + 1, sizeof *names->list))
        return false;
    names->list = list;
    char *copy = alloc_copy(name, strlen(name));
    if (copy)
        names->list[names->count++] = copy;
    return copy != NULL;
}

static int by_name(const void *left, const void *right)
{
    const char *const *a = left, *const *b = right;
    return strcmp(*a, *b);
}

static vouch_status list(const char *path, struct names *names, vouch_error *error)
{
    DIR *folder = opendir(path);
    if (!folder)
        return error_set(error, VOUCH_EINVAL, VOUCH_CAUSE_NONE,
                         "the folder of rules %s cannot be read: %s", path, strerror(errno));
    bool fine = true;
    /* cppcheck-suppress readdirCalled; nobody else has this stream */
    for (struct dirent *entry; fine && (entry = readdir(folder));)
        fine = !stem(entry->d_name) || add_name(names, entry->d_name);
    (void)closedir(folder);
    if (!fine)
        return no_memory(error);
    if (!names->count)
        return error_set(error, VOUCH_EINVAL, VOUCH_CAUSE_NONE,
                         "the folder of rules %s has no *.lua", path);
    qsort(names->list, names->count, sizeof *names->list, by_name);
    return VOUCH_OK;
}

static vouch_status add_file(struct engine *engine, const char *folder, const char *file,
                             char *room, vouch_error *error)
{
    char name[VOUCH_LINT_RULE_MAX], path[4096];
    size_t n = stem(file);
    if (n >= sizeof name)
        return error_set(error, VOUCH_EINVAL, VOUCH_CAUSE_NONE,
                         "the name of the rule %s is longer than %d bytes", file,
                         VOUCH_LINT_RULE_MAX - 1);
    memcpy(name, file, n);
    name[n] = 0;
    int written = snprintf(path, sizeof path, "%s/%s", folder, file);
    FILE *stream = written > 0 && (size_t)written < sizeof path ? fopen(path, "rb") : NULL;
    size_t size = stream ? fread(room, 1, RULE_BYTES_MAX + 1, stream) : 0;
    bool failed = !stream || ferror(stream);
    int why = errno;
    if (stream)
        (void)fclose(stream);
    if (failed)
        return error_set(error, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "the rule %s cannot be read: %s",
                         path, strerror(why));
    if (size > RULE_BYTES_MAX)
        return error_set(error, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "the rule %s is longer than 1 MiB",
                         path);
    return engine_add(engine, name, room, size, true, error);
}

vouch_status folder_add_rules(struct engine *engine, const char *path, vouch_error *error)
{
    struct names names = {0};
    vouch_status status = list(path, &names, error);
    char *room = status == VOUCH_OK ? alloc_get(RULE_BYTES_MAX + 1) : NULL;
    if (status == VOUCH_OK && !room)
        status = no_memory(error);
    for (size_t i = 0; status == VOUCH_OK && i < names.count; i++)
        status = add_file(engine, path, names.list[i], room, error);
    alloc_free(room);
    names_free(&names);
    return status;
}
