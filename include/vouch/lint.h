/* vouch/lint.h: finds what is wrong with a Lua script before a server does.
 *
 * Scripts of Redis and Valkey are Lua 5.1 in a sandbox, with rules of their own: no writing of globals, keys
 * named ahead, replies turned into Lua values in a way that surprises. The linter reads a script as those
 * servers' compiler does, follows what its variables may hold, and tells what would go wrong: at once, or only
 * on the day when a key is missing, memory is short or a second shard is added.
 *
 * A library of its own, vouch::lint, with Lua 5.4 in it for the rules; it needs neither a server nor the rest
 * of vouch. `vouch-lint` is the same as a program. Statuses and errors are those of vouch/error.h; a call has
 * no effect on any server, so that `effect` is always VOUCH_NOT_APPLIED or, of VOUCH_OK, VOUCH_APPLIED.
 *
 *     vouch_lint *lint;
 *     if (vouch_lint_new(NULL, &lint, &error) != VOUCH_OK)
 *         …
 *     vouch_lint_report *report;
 *     if (vouch_lint_run(lint, &source, &report, &error) == VOUCH_OK)
 *         for (size_t i = 0; i < vouch_lint_count(report); i++)
 *             show(vouch_lint_finding_at(report, i));
 *     vouch_lint_report_free(report);
 *     vouch_lint_free(lint);
 */
#ifndef VOUCH_LINT_H
#define VOUCH_LINT_H

#include <vouch/error.h>

VOUCH_BEGIN

/* How bad it is. The values are ABI: never renumbered, only appended. */
typedef enum vouch_lint_severity {
    VOUCH_LINT_OFF = 0,     /* not told */
    VOUCH_LINT_INFO = 1,    /* works, and could be clearer or safer */
    VOUCH_LINT_WARNING = 2, /* works until something happens that does happen */
    VOUCH_LINT_ERROR = 3,   /* the server refuses it, or it does not do what it says */
    VOUCH_LINT_SEVERITY_LAST_ = 0x7fffffff
} vouch_lint_severity;

/* What a source is run with. */
typedef enum vouch_lint_kind {
    VOUCH_LINT_GUESS = 0, /* a first line "#!lua name=…" makes it a library, else it is a script */
    VOUCH_LINT_EVAL = 1,  /* EVAL, SCRIPT LOAD: has KEYS and ARGV */
    VOUCH_LINT_FUNCTION =
        2, /* FUNCTION LOAD: registers functions, which are called with keys and arguments */
    VOUCH_LINT_KIND_LAST_ = 0x7fffffff
} vouch_lint_kind;

/* The longest source, in bytes; a longer one is VOUCH_ELIMIT. */
#define VOUCH_LINT_SOURCE_MAX ((size_t)64 << 20)
/* Findings in one report; what is beyond is counted by vouch_lint_left_out. */
#define VOUCH_LINT_FINDINGS_MAX ((size_t)10000)
/* Bytes of a rule's name, with its NUL. */
#define VOUCH_LINT_RULE_MAX 48
/* What the rules may use for one source, unless the options say otherwise. */
#define VOUCH_LINT_MEMORY_DEFAULT ((size_t)256 << 20) /* bytes, of Lua */
#define VOUCH_LINT_STEPS_DEFAULT                                                                   \
    UINT64_C(10000000) /* instructions of Lua, of one rule, and 20 more a byte of source */

/* Another severity for a rule than its own. */
typedef struct vouch_lint_setting {
    const char *rule;             /* its name */
    vouch_lint_severity severity; /* OFF: it is not run. "syntax" is always an error */
} vouch_lint_setting;

/* What holds for a linter. Begin with VOUCH_LINT_OPTIONS_INIT. All is copied. */
typedef struct vouch_lint_options {
    uint32_t size; /* set by the initialiser */
    uint32_t reserved;
    /* The server it is written for: "redis-7.0", "redis-7.4", "redis-8", "valkey-8.1", "valkey-9"…; several,
     * apart by commas. NULL: all that are known; then what only some of them have is not told. */
    const char *target;
    /* A folder with rules of the caller's own, *.lua, beside the built-in ones; read by vouch_lint_new. A rule
     * with the name of a built-in one takes its place. NULL: none. */
    const char *rules;
    const vouch_lint_setting *settings; /* in this order, so that of one rule the last holds */
    size_t setting_count;               /* how many; NULL and 0: none */
    size_t memory;                      /* bytes that rules may use; 0: VOUCH_LINT_MEMORY_DEFAULT */
    uint64_t steps;                     /* 0: VOUCH_LINT_STEPS_DEFAULT */
} vouch_lint_options;

/* Every default. */
#define VOUCH_LINT_OPTIONS_INIT                                                                    \
    {                                                                                              \
        sizeof(vouch_lint_options), 0, NULL, NULL, NULL, 0, 0, 0                                   \
    }

/* A linter: its rules, ready to run. One thread at a time; different ones share nothing. */
typedef struct vouch_lint vouch_lint;

/* A linter. Reads the files of options->rules, and nothing else; `options` may be NULL.
 *   VOUCH_OK      *out is the caller's, to be released with vouch_lint_free
 *   VOUCH_EINVAL  an option is wrong: no such target or rule, a folder that cannot be read, a rule that does
 *                 not compile or lacks a part; the message names it
 *   VOUCH_ENOMEM */
VOUCH_API VOUCH_MUST vouch_status vouch_lint_new(const vouch_lint_options *options,
                                                 vouch_lint **out, vouch_error *error);
/* NULL is allowed. Reports live on. */
VOUCH_API void vouch_lint_free(vouch_lint *lint);

/* ---- rules ---------------------------------------------------------------------------------- */

/* What a rule says of itself; borrowed from its linter. */
typedef struct vouch_lint_rule {
    const char *name;             /* "operator-53" */
    vouch_lint_severity severity; /* as it is set */
    bool own;                     /* from options->rules */
    const char *summary;          /* one line */
    const char *why;              /* some lines */
    const char *bad;              /* an example that it finds */
    const char *good;             /* the same, as it should be */
} vouch_lint_rule;

/* How many rules there are, those that are off included. */
VOUCH_API size_t vouch_lint_rule_count(const vouch_lint *lint);
/* In the order of their names; NULL from the end on. */
VOUCH_API const vouch_lint_rule *vouch_lint_rule_at(const vouch_lint *lint, size_t index);
/* NULL: there is none of that name. */
VOUCH_API const vouch_lint_rule *vouch_lint_rule_find(const vouch_lint *lint, const char *name);

/* ---- sources -------------------------------------------------------------------------------- */

/* One source. Its size never changes: begin with zeros. */
typedef struct vouch_lint_source {
    const char *text;     /* any bytes; borrowed until the call returns */
    size_t size;          /* up to VOUCH_LINT_SOURCE_MAX */
    vouch_lint_kind kind; /* or VOUCH_LINT_GUESS, which is 0 */
    bool numkeys_known;   /* EVAL is always given `numkeys` keys */
    uint32_t numkeys;     /* used if it is known */
    uint64_t reserved[4]; /* 0 */
} vouch_lint_source;

/* What was found. Never changes; any thread may read it. */
typedef struct vouch_lint_report vouch_lint_report;

/* Something that was found. Positions count from 1, columns bytes; the end is behind the last byte. Borrowed from
 * the report. */
typedef struct vouch_lint_finding {
    vouch_lint_severity severity; /* never VOUCH_LINT_OFF */
    const char *rule;             /* its name */
    const char *message; /* what is wrong, and what to write instead; control bytes escaped */
    uint32_t line;       /* where it begins */
    uint32_t column;     /* in that line */
    uint32_t end_line;   /* where it ends */
    uint32_t end_column; /* in that line */
    size_t offset;       /* the same as bytes of the source, from 0 */
    size_t length;       /* in bytes; 0 at the end of the source */
} vouch_lint_finding;

/* Reads a source and lets all rules judge it. Does not block, but for the time it takes: that is linear, and
 * bounded by the options.
 *   VOUCH_OK      *out is the caller's, to be released with vouch_lint_report_free; findings or not
 *   VOUCH_EINVAL  NULL, a kind that is none
 *   VOUCH_ELIMIT  over VOUCH_LINT_SOURCE_MAX
 *   VOUCH_ENOMEM
 * Findings that a comment of the source allows are left out; src/lint/README.md and `vouch-lint --help` say how.
 * A rule that fails, or takes more than its share of steps or memory, ends there, and is a finding of the rule
 * "rule-failed". */
VOUCH_API VOUCH_MUST vouch_status vouch_lint_run(vouch_lint *lint, const vouch_lint_source *source,
                                                 vouch_lint_report **out, vouch_error *error);
/* NULL is allowed. */
VOUCH_API void vouch_lint_report_free(vouch_lint_report *report);

/* How many findings there are. */
VOUCH_API size_t vouch_lint_count(const vouch_lint_report *report);
/* In the order of the source; NULL from the end on. */
VOUCH_API const vouch_lint_finding *vouch_lint_finding_at(const vouch_lint_report *report,
                                                          size_t index);
/* Findings that were over VOUCH_LINT_FINDINGS_MAX: none of them is worse than any that is kept. */
VOUCH_API size_t vouch_lint_left_out(const vouch_lint_report *report);
/* Whether servers refuse to compile it, as far as the linter can tell. */
VOUCH_API bool vouch_lint_refused(const vouch_lint_report *report);
/* What it was taken for: EVAL or FUNCTION. */
VOUCH_API vouch_lint_kind vouch_lint_taken_for(const vouch_lint_report *report);

/* "info", "warning", "error", "off", else "?"; static. */
VOUCH_API const char *vouch_lint_severity_name(vouch_lint_severity severity);

VOUCH_END
#endif
