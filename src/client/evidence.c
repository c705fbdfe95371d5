/* Reading INFO. Pure; may call base and command.
 *
 * Nothing that is missing counts as zero, but for commandstats, which lists only commands that were
 * called: a server that leaves out a line of the others is not understood, and proves nothing. */
#include "client/evidence.h"

#include "base/number.h"

#include <string.h>

const char evidence_ask[] =
    "*5\r\n$4\r\nINFO\r\n$6\r\nserver\r\n$5\r\nstats\r\n$11\r\nreplication\r\n"
    "$12\r\ncommandstats\r\n";
const size_t evidence_ask_size = sizeof evidence_ask - 1;

/* The value behind `name` (with its colon) when the line [line, end) begins with it; else NULL. */
static const char *value_of(const char *line, const char *end, const char *name)
{
    size_t n = strlen(name);
    return (size_t)(end - line) >= n && memcmp(line, name, n) == 0 ? line + n : NULL;
}

static bool read_count(const char *at, const char *end, uint64_t *out)
{
    uint64_t v = 0;
    const char *p = at;
    for (; p < end && *p >= '0' && *p <= '9'; p++) {
        if (v > (UINT64_MAX - 9) / 10)
            return false;
        v = v * 10 + (uint64_t)(*p - '0');
    }
    *out = v;
    return p > at;
}

static bool read_id(const char *at, const char *end, char out[static EVIDENCE_ID_MAX])
{
    size_t n = (size_t)(end - at);
    if (n == 0 || n >= EVIDENCE_ID_MAX)
        return false;
    memcpy(out, at, n);
    out[n] = 0;
    return true;
}

/* Lines that must be there. */
enum {
    SAW_RUN = 1,
    SAW_REPLICATION = 2,
    SAW_EVICTED = 4,
    SAW_COMMANDS = 8,
    SAW_CLOCK = 16,
    SAW_ALL = 31
};

static unsigned read_line(struct evidence *e, const char *line, const char *end)
{
    static const char *const flushing[] = {"cmdstat_flushall:calls=", "cmdstat_flushdb:calls=",
                                           "cmdstat_swapdb:calls=", "cmdstat_debug:calls="};
    const char *v;
    uint64_t n = 0;
    if ((v = value_of(line, end, "run_id:")))
        return read_id(v, end, e->run_id) ? SAW_RUN : 0;
    if ((v = value_of(line, end, "master_replid:")))
        return read_id(v, end, e->replication_id) ? SAW_REPLICATION : 0;
    if ((v = value_of(line, end, "evicted_keys:")))
        return read_count(v, end, &e->evicted) ? SAW_EVICTED : 0;
    if ((v = value_of(line, end, "total_commands_processed:")))
        return read_count(v, end, &e->commands) ? SAW_COMMANDS : 0;
    if ((v = value_of(line, end, "server_time_usec:"))) {
        if (!read_count(v, end, &n) || n > INT64_MAX)
            return 0;
        e->server_us = (int64_t)n;
        return SAW_CLOCK;
    }
    if ((v = value_of(line, end, "cmdstat_config|resetstat:calls=")))
        (void)read_count(v, end, &e->resets);
    for (size_t i = 0; i < sizeof flushing / sizeof *flushing; i++)
        if ((v = value_of(line, end, flushing[i])) && read_count(v, end, &n))
            e->flushes += n;
    return 0;
}

void evidence_read(struct evidence *e, const struct vouch_reply *reply)
{
    vouch_string text = vouch_reply_string(reply);
    unsigned saw = 0;
    memset(e, 0, sizeof *e);
    if (vouch_reply_is_error(reply) || !text.data)
        return;
    const char *end = text.data + text.size;
    for (const char *line = text.data; line < end;) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        stop = stop ? stop : end;
        saw |= read_line(e, line, stop > line && stop[-1] == '\r' ? stop - 1 : stop);
        line = stop + 1;
    }
    e->known = saw == SAW_ALL;
}

/* More than any server executes in a microsecond. */
#define COMMANDS_PER_US 10

/* A flush could hide behind CONFIG RESETSTAT, which counts itself once however often it was called. Of
 * a server that had been set back before it is only known that it was not again if it had executed
 * more by then than it can have since. */
static bool may_be_reset(const struct evidence *before, const struct evidence *after)
{
    if (before->resets != after->resets || after->commands < before->commands)
        return true;
    int64_t passed = after->server_us - before->server_us;
    return before->resets && (passed < 0 || before->commands / COMMANDS_PER_US <= (uint64_t)passed);
}

const char *evidence_against(const struct evidence *before, const struct evidence *after,
                             int64_t life_us)
{
    if (!before->known || !after->known)
        return "INFO is not answered (a right that this user lacks?), so the marker may have been "
               "removed unseen";
    if (strcmp(before->run_id, after->run_id) != 0)
        return "another server answers, or the same one restarted";
    if (strcmp(before->replication_id, after->replication_id) != 0)
        return "there was a failover";
    if (before->evicted != after->evicted)
        return "the server has evicted keys, perhaps the marker";
    if (may_be_reset(before, after))
        return "the server's counts were set back (CONFIG RESETSTAT), perhaps since then";
    if (before->flushes != after->flushes)
        return "the database was flushed or swapped";
    if (life_us >= 0 && after->server_us - before->server_us > life_us / 2)
        return "by the server's clock the marker may have expired";
    return NULL;
}
