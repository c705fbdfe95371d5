/* Reading files, and finding them below folders. All of the program's reading is here. */
#include "lint/tool/files.h"

#include "base/alloc.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- reading --------------------------------------------------------------------------------- */

/* Until the end, or one byte more than `max`. */
static bool read_all(FILE *stream, size_t max, struct file *out)
{
    size_t capacity = 0;
    void *text = NULL;
    *out = (struct file){0};
    do {
        if (!alloc_grow(&text, &capacity, out->size + 4096, 1))
            return false;
        out->text = text;
        size_t room = capacity - out->size - 1;
        out->size += fread(out->text + out->size, 1, room, stream);
        out->text[out->size] = 0;
    } while (out->size <= max && !feof(stream) && !ferror(stream));
    return true;
}

static bool take(FILE *stream, const char *name, size_t max, struct file *out, struct fault *fault)
{
    errno = 0;
    bool fine = read_all(stream, max, out);
    int why = errno;
    if (!fine)
        (void)fault_set(fault, "%s: out of memory", name);
    else if (ferror(stream))
        fine = fault_set(fault, "%s: %s", name, strerror(why));
    else if (out->size > max)
        fine = fault_set(fault, "%s: longer than %zu bytes", name, max);
    if (!fine)
        file_free(out);
    return fine;
}

bool file_read(const char *path, size_t max, struct file *out, struct fault *fault)
{
    *out = (struct file){0};
    FILE *stream = fopen(path, "rb");
    if (!stream)
        return fault_set(fault, "%s: %s", path, strerror(errno));
    bool fine = take(stream, path, max, out, fault);
    (void)fclose(stream);
    return fine;
}

bool file_read_stdin(size_t max, struct file *out, struct fault *fault)
{
    return take(stdin, "standard input", max, out, fault);
}

void file_free(struct file *file)
{
    alloc_free(file->text);
    *file = (struct file){0};
}

bool file_is_there(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && !S_ISDIR(about.st_mode);
}

bool file_is_folder(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

/* ---- folders --------------------------------------------------------------------------------- */

bool paths_add(struct paths *paths, const char *path, struct fault *fault)
{
    void *list = paths->list;
    const char *copy = arena_print(&paths->arena, "%s", path);
    if (!copy || !alloc_grow(&list, &paths->capacity, paths->count + 1, sizeof *paths->list))
        return fault_set(fault, "out of memory");
    paths->list = list;
    paths->list[paths->count++] = copy;
    return true;
}

void paths_free(struct paths *paths)
{
    alloc_free(paths->list);
    arena_free(&paths->arena);
    *paths = (struct paths){0};
}

static int by_path(const void *left, const void *right)
{
    const char *const *a = left, *const *b = right;
    return strcmp(*a, *b);
}

static bool is_lua(const char *name)
{
    static const char suffix[] = ".lua";
    size_t n = strlen(name), s = sizeof suffix - 1;
    return n > s && strcmp(name + n - s, suffix) == 0;
}

/* One entry of a folder: to `files`, to `folders`, or to neither. */
static bool sort_in(const char *folder, const char *name, struct paths *files,
                    struct paths *folders, struct fault *fault)
{
    struct stat about;
    if (name[0] == '.')
        return true;
    size_t n = strlen(folder);
    const char *slash = n && folder[n - 1] == '/' ? "" : "/";
    const char *path = arena_print(&files->arena, "%s%s%s", folder, slash, name);
    if (!path)
        return fault_set(fault, "out of memory");
    if (lstat(path, &about) != 0)
        return true; /* it is gone already */
    if (S_ISDIR(about.st_mode))
        return paths_add(folders, path, fault);
    return !is_lua(name) || file_is_folder(path) || paths_add(files, path, fault);
}

static bool look_in(const char *folder, struct paths *files, struct paths *folders,
                    struct fault *fault)
{
    DIR *stream = opendir(folder);
    if (!stream)
        return fault_set(fault, "%s: %s", folder, strerror(errno));
    bool fine = true;
    /* cppcheck-suppress readdirCalled; nobody else has this stream */
    for (struct dirent *entry; fine && (entry = readdir(stream));)
        fine = sort_in(folder, entry->d_name, files, folders, fault);
    (void)closedir(stream);
    return fine;
}

bool paths_below(struct paths *paths, const char *folder, struct fault *fault)
{
    struct paths folders = {0};
    size_t before = paths->count;
    bool fine = paths_add(&folders, folder, fault);
    while (folders.count) {
        const char *next = folders.list[--folders.count];
        fine = look_in(next, paths, &folders, fault) && fine;
    }
    paths_free(&folders);
    if (paths->count > before)
        qsort(paths->list + before, paths->count - before, sizeof *paths->list, by_path);
    else if (fine)
        return fault_set(fault, "%s: there is no *.lua below it", folder);
    return fine;
}
