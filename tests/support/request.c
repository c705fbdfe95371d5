/* A strict parser of requests, independent of vouch's encoder. It keeps no state: called again with
 * more bytes it starts over. */
#include "request.h"

#include "base.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { NUMBER_DIGITS = 10 };

typedef struct cursor {
    const char *at;
    size_t left;
} cursor;

/* The number between `mark` and CR LF. */
static ts_parse read_count(cursor *in, char mark, size_t *number)
{
    if (in->left > 0 && in->at[0] != mark)
        return TS_PARSE_WRONG;
    size_t i = 1;
    *number = 0;
    for (; i < in->left && in->at[i] >= '0' && in->at[i] <= '9'; i++) {
        if (i > NUMBER_DIGITS)
            return TS_PARSE_WRONG;
        *number = *number * 10 + (size_t)(in->at[i] - '0');
    }
    if (i < in->left && (i == 1 || in->at[i] != '\r'))
        return TS_PARSE_WRONG;
    if (i + 1 < in->left && in->at[i + 1] != '\n')
        return TS_PARSE_WRONG;
    if (i + 1 >= in->left)
        return TS_PARSE_MORE;
    in->at += i + 2;
    in->left -= i + 2;
    return TS_PARSE_WHOLE;
}

static ts_parse read_word(cursor *in, ts_word *word)
{
    size_t length = 0;
    ts_parse found = read_count(in, '$', &length);
    if (found != TS_PARSE_WHOLE)
        return found;
    if (in->left > length && in->at[length] != '\r')
        return TS_PARSE_WRONG;
    if (in->left < length + 2)
        return TS_PARSE_MORE;
    if (in->at[length + 1] != '\n')
        return TS_PARSE_WRONG;
    *word = (ts_word){in->at, length};
    in->at += length + 2;
    in->left -= length + 2;
    return TS_PARSE_WHOLE;
}

ts_parse ts_request_parse(const char *bytes, size_t length, ts_request *request, size_t *used)
{
    cursor in = {bytes, length};
    size_t count = 0;
    *request = (ts_request){0};
    ts_parse found = read_count(&in, '*', &count);
    while (found == TS_PARSE_WHOLE && request->count < count) {
        ts_word word = {0};
        found = read_word(&in, &word);
        if (found == TS_PARSE_WHOLE) {
            request->words =
                ts_resize(request->words, (request->count + 1) * sizeof *request->words);
            request->words[request->count++] = word;
        }
    }
    if (found == TS_PARSE_WHOLE && count == 0)
        found = TS_PARSE_WRONG;
    if (found != TS_PARSE_WHOLE)
        ts_request_free(request);
    *used = length - in.left;
    return found;
}

void ts_request_free(ts_request *request)
{
    free(request->words);
    *request = (ts_request){0};
}

bool ts_request_is(const ts_request *request, size_t index, const char *word)
{
    return index < request->count && request->words[index].length == strlen(word) &&
           strncasecmp(request->words[index].bytes, word, strlen(word)) == 0;
}
