/* vouch-lint, run by a shell: tests/lint/tool_rig.h. */
#include "tool_rig.h"

#include "base.h"
#include "temp.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct tool_run tool;
static char folder[TS_TEMP_MAX];

static void forget(void)
{
    free(tool.out);
    free(tool.err);
    tool = (struct tool_run){0};
}

void tool_begin(void)
{
    ts_temp_make(folder);
}

void tool_end(void)
{
    forget();
    ts_temp_remove(folder);
}

const char *tool_folder(void)
{
    return folder;
}

/* Reads until the end; of a terminal whose other side is closed that is EIO. */
static char *read_all(int fd)
{
    char *text = NULL;
    size_t size = 0;
    for (ssize_t n = 1; n > 0;) {
        text = ts_resize(text, size + 4097);
        n = read(fd, text + size, 4096);
        if (n < 0 && errno == EINTR)
            n = 1;
        else
            size += n > 0 ? (size_t)n : 0;
    }
    text[size] = 0;
    return text;
}

/* A child that runs a command in the folder, with these for output and errors. */
static pid_t start(const char *command, int out, int err)
{
    char *line = ts_alloc(strlen(command) + strlen(folder) + 200 + strlen(VOUCH_LINT_PROGRAM));
    sprintf(line, "cd '%s' && lint() { '%s' \"$@\"; }; unset NO_COLOR; export TERM=xterm; %s",
            folder, VOUCH_LINT_PROGRAM, command);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        dup2(out, STDOUT_FILENO);
        dup2(err, STDERR_FILENO);
        execl("/bin/sh", "sh", "-c", line, (char *)NULL);
        _exit(127);
    }
    free(line);
    return child;
}

static void finish(pid_t child)
{
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    ck_assert_msg(WIFEXITED(status), "ended by signal %d: %s", WTERMSIG(status), tool.err);
    tool.status = WEXITSTATUS(status);
}

static int open_file(const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    return fd;
}

void tool_run(const char *format, ...)
{
    char command[4096];
    va_list args;
    va_start(args, format);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): the line above */
    vsnprintf(command, sizeof command, format, args);
    va_end(args);
    forget();
    int out = open_file(".out"), err = open_file(".err");
    pid_t child = start(command, out, err);
    finish(child);
    ck_assert_int_eq(lseek(out, 0, SEEK_SET), 0);
    ck_assert_int_eq(lseek(err, 0, SEEK_SET), 0);
    tool.out = read_all(out);
    tool.err = read_all(err);
    close(out);
    close(err);
}

void tool_run_on_terminal(const char *command)
{
    forget();
    int side = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    ck_assert(side >= 0 && grantpt(side) == 0 && unlockpt(side) == 0);
    const char *name = ptsname(side);
    ck_assert_ptr_nonnull(name);
    int other = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    ck_assert_int_ge(other, 0);
    pid_t child = start(command, other, other);
    close(other);
    tool.out = read_all(side);
    tool.err = ts_copy("", 0);
    close(side);
    finish(child);
}

void tool_file(const char *path, const char *text)
{
    char whole[4096];
    snprintf(whole, sizeof whole, "%s/%s", folder, path);
    for (char *slash = whole + strlen(folder) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = 0;
        ck_assert(mkdir(whole, 0700) == 0 || errno == EEXIST);
        *slash = '/';
    }
    FILE *file = fopen(whole, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

void tool_ended(int status)
{
    ck_assert_msg(tool.status == status, "ended with %d, not %d:\n%.1500s%.1500s", tool.status,
                  status, tool.out, tool.err);
}

void tool_said(const char *part)
{
    ck_assert_msg(strstr(tool.out, part) != NULL, "without: %s\n%.1500s%.1500s", part, tool.out,
                  tool.err);
}

void tool_said_not(const char *part)
{
    ck_assert_msg(strstr(tool.out, part) == NULL, "with: %s\n%.1500s%.1500s", part, tool.out,
                  tool.err);
}

void tool_complained(const char *part)
{
    ck_assert_msg(strstr(tool.err, part) != NULL, "without: %s\n%.1500s%.1500s", part, tool.err,
                  tool.out);
}
