/* The server is started by a script, which preloads stepped_clock.c. What scripts/setup has unpacked brings a C library
 * and a loader of its own, and its wrapper lets nothing be preloaded: then the loader is called here. */
#include "clocked.h"

#include "base.h"
#include "temp.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_SIZE (TS_TEMP_MAX + 16)

static const char script[] =
    "#!/bin/sh\n"
    "export VOUCH_STEPPED_CLOCK='%s/clock'\n"
    "clock='" VOUCH_STEPPED_CLOCK_LIBRARY "'\n"
    "program='%s'\n"
    "root=$(dirname \"$(readlink -f \"$program\")\")/root\n"
    "for loader in \"$root\"/lib/ld-*.so*; do\n"
    "    [ -e \"$loader\" ] || continue\n"
    "    exec \"$loader\" --preload \"$clock\" --library-path \"$root/lib\" \"$root\"/bin/*-server "
    "\"$@\"\n"
    "done\n"
    "LD_PRELOAD=$clock exec \"$program\" \"$@\"\n";

void clocked_set(const char *folder, int64_t ms)
{
    char path[PATH_SIZE];
    int64_t us = ms * 1000;
    (void)snprintf(path, sizeof path, "%s/clock", folder);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || pwrite(fd, &us, sizeof us, 0) != sizeof us)
        ts_die("a clock cannot be set: %s", path);
    (void)close(fd);
}

static int64_t seconds_of(ts_server *server)
{
    ts_reply *r = ts_command(server, "TIME", NULL);
    int64_t s = r->count == 2 ? strtoll(r->elements[0]->text, NULL, 10) : 0;
    ts_reply_free(r);
    return s;
}

static void write_script(ts_server_kind kind, const char *folder, const char *path)
{
    char program[PATH_MAX];
    ck_assert_msg(ts_server_program(kind, program, sizeof program), "there is no such server");
    FILE *f = fopen(path, "we");
    ck_assert_ptr_nonnull(f);
    (void)fprintf(f, script, folder, program);
    ck_assert_int_eq(fclose(f), 0);
    ck_assert_int_eq(chmod(path, 0700), 0);
}

struct rig clocked_rig(ts_server_kind kind, ts_persistence persistence, const char *folder)
{
    char path[PATH_SIZE];
    ts_server_options so = {.kind = kind, .program = path, .persistence = persistence};
    (void)snprintf(path, sizeof path, "%s/server", folder);
    write_script(kind, folder, path);
    clocked_set(folder, 0);
    struct rig rig = rig_start_with(&so);
    int64_t now = seconds_of(rig.server);
    clocked_set(folder, 1000000);
    ck_assert_msg(seconds_of(rig.server) >= now + 1000, "the server's clock is not stepped");
    clocked_set(folder, 0);
    return rig;
}
