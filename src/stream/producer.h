/* stream/producer.h: producers, and what retention is in a command's words. */
#ifndef STREAM_PRODUCER_H
#define STREAM_PRODUCER_H

#include <vouch/producer.h>

/* ---- retention.c ---------------------------------------------------------------------------- */

/* MAXLEN or MINID, how exactly, the threshold, LIMIT and how many. */
#define RETENTION_WORDS_MAX 5

struct retention_words {
    vouch_arg v[RETENTION_WORDS_MAX];
    size_t n; /* 0: everything is kept */
};

/* Checks what is to be kept and says it in words, borrowed from it. Of an age the threshold is left empty,
 * for a script. */
vouch_status retention_words(const vouch_retention *keep, struct retention_words *out,
                             vouch_error *error);

/* "ms" or "ms-sequence", both below 2^64. */
bool entry_is_id(const char *text);

/* Bytes of a name of which only a part may be given: `size`, or if that is 0 up to the NUL. It must not be
 * empty, nor longer than `most`; `what` is how messages call it. */
vouch_status entry_name(const char *name, size_t size, size_t most, const char *what, size_t *out,
                        vouch_error *error);

/* ---- producer.c ----------------------------------------------------------------------------- */

struct vouch_producer {
    vouch_script *script;
    char *stream, *name, *state, *min_id; /* with a NUL behind each; min_id may be NULL */
    size_t stream_size, name_size, state_size;
    vouch_retention keep; /* its min_id is the one above */
    uint32_t window;
    bool dense, no_mkstream;
    int64_t state_ms;
};

/* As vouch_producer_new, with a source that is not the one that is shipped. For tests. */
vouch_status producer_new_with(const char *source, size_t size, const char *stream,
                               const char *name, const vouch_producer_options *options,
                               vouch_producer **out, vouch_error *error);
/* The one that is shipped, and the one that trims; neither ends with a NUL. */
vouch_string producer_source(void);
vouch_string trim_source(void);

#endif
