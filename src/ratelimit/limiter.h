/* ratelimit/limiter.h: limits, the script that decides on them, and the words of its calls. */
#ifndef RATELIMIT_LIMITER_H
#define RATELIMIT_LIMITER_H

#include <vouch/ratelimit.h>

struct vouch_limiter {
    vouch_limit_spec specs[VOUCH_LIMITS_MAX]; /* burst is set in all of them */
    size_t n;
    bool leases;      /* one of them is CONCURRENCY */
    bool only_leases; /* none is of another kind */
    vouch_script *script;
};

/* ---- limiter.c ------------------------------------------------------------------------------ */

/* As vouch_limiter_new, with a source that is not the one these limits have. For tests. */
vouch_status limiter_new_with(const char *source, size_t size, const vouch_limit_spec *specs,
                              size_t n, const vouch_limiter_options *options, vouch_limiter **out,
                              vouch_error *error);

/* ---- source.c ------------------------------------------------------------------------------- */

/* The script for these limits: what all share and the kinds that are among them. To be released with
 * alloc_free; NULL when memory is short. */
char *limiter_source(const vouch_limit_spec *specs, size_t n, size_t *size);
/* The letter by which the script knows a kind; NULL if there is no such kind. */
const char *limiter_letter(vouch_limit_kind kind);

/* ---- words.c -------------------------------------------------------------------------------- */

/* Arguments of a call: what to do, the lease, and five for each limit. */
#define LIMIT_WORDS_MAX (2 + 5 * VOUCH_LIMITS_MAX)

struct limit_words {
    vouch_arg v[LIMIT_WORDS_MAX];
    size_t n;
    bool repeatable; /* may run twice */
};

/* Checks a call and says what the script is to be given; borrowed like what it is made of. */
vouch_status limit_words(const struct vouch_limiter *limiter, vouch_limit_action action,
                         vouch_args keys, int64_t cost, const vouch_limit_options *options,
                         struct limit_words *out, vouch_error *error);

#endif
