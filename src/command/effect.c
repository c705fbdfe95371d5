/* What became of one command, from the command and what came back. Pure: no state, no I/O.
 *
 *   lost, last byte not handed over      NOT_APPLIED    a server runs no command without its last
 *                                                       byte
 *   lost, handed over                    MAYBE_APPLIED
 *   a value                              APPLIED
 *   INVALIDOBJ, UNBLOCKED of a write     MAYBE_APPLIED  the two errors by which a plain command can
 *                                                       fail after it wrote
 *   EVAL_RO and the like                 NOT_APPLIED    cannot write; but no word of theirs counts as
 *                                                       the server's, so that nothing is tried again
 *   scripts, functions, MIGRATE, DEBUG,  MAYBE_APPLIED  a script's error reaches the client
 *   what is not in the table                            verbatim, so it can look like any other.
 *                                                       Exceptions: a script that can answer with
 *                                                       no error of its own, refused in exactly the
 *                                                       server's own words, such as that it is
 *                                                       missing; an unknown command, named in the
 *                                                       error
 *   any other error                      NOT_APPLIED    servers check a plain command before they
 *                                                       change anything
 *
 * Errors of a passing state can be tried again (WAIT) or elsewhere (REDIRECT), one for want of a login
 * after a login (AUTH); the rest is final.
 */
#include "command/effect.h"

#include <string.h>

static bool starts_with(const char *text, size_t size, const char *prefix)
{
    size_t n = strlen(prefix);
    return size >= n && memcmp(text, prefix, n) == 0;
}

static bool is_exactly(const char *text, size_t size, const char *line)
{
    return size == strlen(line) && memcmp(text, line, size) == 0;
}

bool effect_code_is(const char *error, size_t size, const char *code)
{
    size_t n = strlen(code);
    return starts_with(error, size, code) && (size == n || error[n] == ' ');
}

/* A refusal that passes: the server did not look at the command's data yet. */
enum remedy effect_remedy(const char *error, size_t size)
{
    static const char *const redirects[] = {"MOVED", "ASK"};
    static const char *const waits[] = {"LOADING",  "BUSY",        "OOM",
                                        "READONLY", "MASTERDOWN",  "MISCONF",
                                        "TRYAGAIN", "CLUSTERDOWN", "NOREPLICAS"};
    for (size_t i = 0; i < sizeof redirects / sizeof *redirects; i++)
        if (effect_code_is(error, size, redirects[i]))
            return REMEDY_REDIRECT;
    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++)
        if (effect_code_is(error, size, waits[i]))
            return REMEDY_WAIT;
    if (effect_code_is(error, size, "NOAUTH"))
        return REMEDY_AUTH;
    return REMEDY_NONE;
}

/* MISCONF, but for the server's name, of a server that cannot write its snapshot. */
#define UNSAVED                                                                                    \
    " is configured to save RDB snapshots, but it's currently unable to persist to disk. "         \
    "Commands that may modify the data set are disabled, because this instance is configured "     \
    "to report errors during writes if RDB snapshotting fails (stop-writes-on-bgsave-error "       \
    "option). Please check the "
#define UNSAVED_END " logs for details about the RDB error."

/* The server's own words before it starts a script. Whole lines: a script's author may well use the
 * same code word. */
static bool is_own_refusal(const char *error, size_t size)
{
    static const char *const lines[] = {
        "LOADING Redis is loading the dataset in memory",
        "LOADING Valkey is loading the dataset in memory",
        "OOM command not allowed when used memory > 'maxmemory'.",
        "READONLY You can't write against a read only replica.", "NOAUTH Authentication required.",
        "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
        "NOREPLICAS Not enough good replicas to write.",
        "NOPERM this user has no permissions to access one of the keys used as arguments",
        "NOPERM No permissions to access a key",
        "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
        "BUSY Valkey is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
        "BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE.",
        /* NOLINTBEGIN(bugprone-suspicious-missing-comma): lines too long for one here */
        "BUSY Valkey is busy running a script. You can only call FUNCTION KILL or SHUTDOWN "
        "NOSAVE.",
        "MISCONF Redis" UNSAVED "Redis" UNSAVED_END, "MISCONF Valkey" UNSAVED "Valkey" UNSAVED_END};
    /* NOLINTEND(bugprone-suspicious-missing-comma) */
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (is_exactly(error, size, lines[i]))
            return true;
    return false;
}

/* "ERR unknown command 'NAME'…" with the very name that was sent: no module of that name ran. */
static bool is_unknown_command(const struct happening *h)
{
    static const char words[] = "ERR unknown command '";
    size_t at = sizeof words - 1;
    return starts_with(h->error, h->error_size, words) && h->error_size > at + h->name_size &&
           memcmp(h->error + at, h->name, h->name_size) == 0 && h->error[at + h->name_size] == '\'';
}

static bool ends_with_lower(const char *text, size_t size, const char *end, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char c = end[i];
        if (n > size || text[size - n + i] != (c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c))
            return false;
    }
    return true;
}

/* "NOPERM … has no permissions to run the 'name' command", with the user's name in between, of the command
 * itself. What a script raises ends with its place, and of what it calls the words are others. */
static bool is_denial(const struct happening *h)
{
    static const char code[] = "NOPERM ", words[] = " has no permissions to run the '",
                      end[] = "' command";
    size_t n = sizeof words - 1, tail = sizeof end - 1, size = h->error_size;
    if (!starts_with(h->error, size, code) || !ends_with_lower(h->error, size, end, tail))
        return false;
    size -= tail;
    if (!ends_with_lower(h->error, size, h->name, h->name_size))
        return false;
    return ends_with_lower(h->error, size - h->name_size, words, n);
}

/* MISCONF of a server that cannot append to its file ends with words of the system's, which have no full
 * stop; the place that ends what a script raises has one. */
static bool is_unwritable(const struct happening *h)
{
    static const char words[] = "MISCONF Errors writing to the AOF file: ";
    size_t n = sizeof words - 1;
    return starts_with(h->error, h->error_size, words) && h->error_size > n &&
           h->error[h->error_size - 1] != '.';
}

static struct verdict refused(enum remedy remedy)
{
    return (struct verdict){VOUCH_ESERVER, VOUCH_NOT_APPLIED, VOUCH_CAUSE_REFUSED, remedy};
}

static bool says_missing(const struct happening *h)
{
    for (const char *const *line = h->missing; line && *line; line++)
        if (is_exactly(h->error, h->error_size, *line))
            return true;
    return false;
}

static struct verdict judge_error(const struct happening *h)
{
    static const struct verdict uncertain = {VOUCH_ESERVER, VOUCH_MAYBE_APPLIED,
                                             VOUCH_CAUSE_REFUSED, REMEDY_NONE};
    static const struct verdict unproven = {VOUCH_ESERVER, VOUCH_MAYBE_APPLIED, VOUCH_CAUSE_REFUSED,
                                            REMEDY_CHECK};
    bool harmless = h->command && (h->command->flags & COMMAND_READONLY);
    if (says_missing(h))
        return h->honest || harmless ? refused(REMEDY_LOAD) : unproven;
    if (!h->command)
        return is_unknown_command(h) ? refused(REMEDY_NONE) : uncertain;
    if (!harmless && (effect_code_is(h->error, h->error_size, "INVALIDOBJ") ||
                      effect_code_is(h->error, h->error_size, "UNBLOCKED")))
        return uncertain;
    if (h->command->flags & COMMAND_MAY_HALF_APPLY) {
        bool own = is_own_refusal(h->error, h->error_size) || is_denial(h) || is_unwritable(h);
        if (!own || !(h->honest || harmless))
            return harmless ? refused(REMEDY_NONE) : uncertain;
    }
    return refused(effect_remedy(h->error, h->error_size));
}

struct verdict effect_judge(const struct happening *h)
{
    switch (h->answer) {
    case ANSWER_VALUE:
        return (struct verdict){VOUCH_OK, VOUCH_APPLIED, VOUCH_CAUSE_NONE, REMEDY_NONE};
    case ANSWER_ERROR:
        return judge_error(h);
    case ANSWER_NONE:
        break;
    }
    if (!h->handed)
        return (struct verdict){VOUCH_ENOTSENT, VOUCH_NOT_APPLIED, VOUCH_CAUSE_LOST, REMEDY_SEND};
    /* A read-only command has nothing to double. */
    bool harmless = h->command && (h->command->flags & COMMAND_READONLY);
    return (struct verdict){VOUCH_EUNKNOWN, VOUCH_MAYBE_APPLIED, VOUCH_CAUSE_LOST,
                            harmless ? REMEDY_SEND : REMEDY_NONE};
}
