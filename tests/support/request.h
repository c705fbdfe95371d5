#ifndef TS_REQUEST_H
#define TS_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

/* Reads whole commands, as clients send them: arrays of bulk strings. */

typedef struct ts_word {
    const char *bytes; /* within what was parsed; no NUL after them */
    size_t length;
} ts_word;

typedef struct ts_request {
    size_t count;
    ts_word *words; /* freed by ts_request_free */
} ts_request;

typedef enum ts_parse { TS_PARSE_WHOLE, TS_PARSE_MORE, TS_PARSE_WRONG } ts_parse;

/* Looks for one whole command at the front of the bytes; if there is one, fills the request and
 * *used, the bytes it takes. MORE: not all there yet. WRONG: no RESP command. */
ts_parse ts_request_parse(const char *bytes, size_t length, ts_request *request, size_t *used);
void ts_request_free(ts_request *request);
/* Whether word `index` is this one, in any case of letters. False beyond the last word. */
bool ts_request_is(const ts_request *request, size_t index, const char *word);

#endif
