/* What servers write into the error of a script. Pure.
 *
 *     raised      CODE words script: <digest or name>, on @user_script:<line>.
 *                 CODE words script: on @user_script:<line>.             Valkey 9.1
 *     returned    CODE words                                          as the author made it */
#include "base/error.h"

#include <string.h>
#include <vouch/script.h>

/* The last place in the text where the word stands; NULL: none. */
static const char *find_last(const char *text, size_t n, const char *word)
{
    size_t w = strlen(word);
    for (size_t i = n >= w ? n - w + 1 : 0; i > 0; i--)
        if (memcmp(text + i - 1, word, w) == 0)
            return text + i - 1;
    return NULL;
}

static int64_t read_line(const char *at, const char *end)
{
    int64_t line = 0;
    for (; at < end && *at >= '0' && *at <= '9' && line < INT64_C(1000000000); at++)
        line = line * 10 + (*at - '0');
    return line;
}

/* " script: NAME, on @user_script:LINE." at the end; what is before it is the message. */
static void read_place(vouch_script_error *e)
{
    static const char before[] = " script: ", on[] = ", on @", nameless[] = "on @";
    const char *text = e->message.data, *end = text + e->message.size;
    const char *at =
        find_last(text - 1, e->message.size + 1, before); /* also right behind the code */
    if (!at)
        return;
    const char *name = at + sizeof before - 1, *place = find_last(name, (size_t)(end - name), on);
    size_t left = (size_t)(end - name), n = sizeof nameless - 1;
    bool named = place != NULL;
    if (!named && left > n && memcmp(name, nameless, n) == 0)
        place = name;
    const char *colon = place ? memchr(place, ':', (size_t)(end - place)) : NULL;
    if (!colon || end[-1] != '.')
        return;
    e->script = (vouch_string){named ? name : NULL, (size_t)(place - name)};
    e->line = read_line(colon + 1, end);
    e->message.size = at > text ? (size_t)(at - text) : 0;
}

bool vouch_script_error_read(const vouch_reply *reply, vouch_script_error *out)
{
    if (!vouch_reply_is_error(reply) || !out)
        return false;
    vouch_script_error e = {.words = vouch_reply_string(reply)};
    error_code(e.code, e.words.data, e.words.size);
    const char *space = memchr(e.words.data, ' ', e.words.size);
    if (space)
        e.message = (vouch_string){space + 1, e.words.size - (size_t)(space + 1 - e.words.data)};
    else
        e.message = (vouch_string){e.words.data + e.words.size, 0};
    if (e.message.size)
        read_place(&e);
    *out = e;
    return true;
}
