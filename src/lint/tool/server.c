/* What a server's own compiler says of a source, asked through vouch's client.
 *
 * A script is compiled by SCRIPT LOAD, which calls nothing and leaves it in a cache where only its digest finds
 * it. A library is loaded, which runs its top level, and so it must not stay, and not take the place of one that
 * is there. Therefore
 *   1. the name in its first line is replaced by a random one of 128 bits, which nobody else has; a library in
 *      whose first line that cannot be done for certain is not sent;
 *   2. FUNCTION LOAD, without REPLACE, and FUNCTION DELETE of that name are one MULTI/EXEC: nobody ever sees the
 *      library, and a connection that breaks leaves nothing behind.
 * Where a function of that name is in another library, the server refuses the load behind everything that can be
 * wrong with the source: "Function … already exists" is a yes. */
#include "lint/tool/server.h"

#include "base/alloc.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <vouch/pipeline.h>
#include <vouch/transaction.h>

#define NAME_ROOM 48

struct server {
    vouch_client *client;
};

bool server_open(const char *url, struct server **out, struct fault *fault)
{
    vouch_client_options options = VOUCH_CLIENT_OPTIONS_INIT;
    vouch_error error;
    options.name = "vouch-lint";
    *out = NULL;
    struct server *server = alloc_zeroed(1, sizeof *server);
    if (!server)
        return fault_set(fault, "--server: out of memory");
    if (vouch_client_open(url, &options, &server->client, &error) != VOUCH_OK) {
        alloc_free(server);
        return fault_set(fault, "--server: %s", error.message);
    }
    *out = server;
    return true;
}

void server_close(struct server *server)
{
    if (!server)
        return;
    vouch_client_close(server->client);
    alloc_free(server);
}

/* ---- what it said ---------------------------------------------------------------------------- */

static bool begins(vouch_string words, const char *text)
{
    size_t n = strlen(text);
    return words.size >= n && memcmp(words.data, text, n) == 0;
}

static bool ends(vouch_string words, const char *text)
{
    size_t n = strlen(text);
    return words.size >= n && memcmp(words.data + words.size - n, text, n) == 0;
}

/* The line that is named behind "user_script:" or "user_function:". */
static uint32_t line_in(const char *words)
{
    static const char *const marks[] = {"user_script:", "user_function:"};
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        const char *at = strstr(words, marks[i]);
        uint32_t line = 0;
        at = at ? at + strlen(marks[i]) : "";
        for (; *at >= '0' && *at <= '9' && line < UINT32_MAX / 10; at++)
            line = line * 10 + (uint32_t)(*at - '0');
        if (line)
            return line;
    }
    return 0;
}

/* An error that is about the source: others, as of rights or of a server that is loading, are no verdict. */
static bool is_verdict(vouch_string words)
{
    return begins(words, "ERR ") && !begins(words, "ERR unknown ") &&
           !begins(words, "ERR Unknown subcommand") && !begins(words, "ERR Internal ");
}

/* An error reply to a verdict; false: it is none. */
static bool judge(vouch_string words, struct answer *out, struct fault *fault)
{
    (void)snprintf(out->words, sizeof out->words, "%.*s", (int)words.size, words.data);
    out->line = line_in(out->words);
    if (begins(words, "ERR Function ") && ends(words, " already exists")) {
        out->verdict = VERDICT_ACCEPTED;
        return true;
    }
    out->verdict = begins(words, "ERR Error compiling") ? VERDICT_NOT_COMPILED : VERDICT_REFUSED;
    return is_verdict(words) || fault_set(fault, "--server: it answered: %s", out->words);
}

/* ---- scripts --------------------------------------------------------------------------------- */

static bool ask_script(struct server *server, vouch_batch *batch, const char *text, size_t size,
                       struct answer *out, struct fault *fault)
{
    vouch_batch_add(batch, "SCRIPT", "LOAD", vouch_bytes(text, size));
    vouch_results *results;
    vouch_error error;
    vouch_status status = vouch_pipeline_run(server->client, batch, NULL, &results, &error);
    const vouch_result *one = vouch_results_at(results, 0);
    bool fine = true;
    if (one && one->reply && vouch_reply_is_error(one->reply))
        fine = judge(vouch_reply_string(one->reply), out, fault);
    else if (status != VOUCH_OK)
        fine = fault_set(fault, "--server: %s", error.message);
    vouch_results_free(results);
    return fine;
}

/* ---- libraries ------------------------------------------------------------------------------- */

static bool is_name(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_';
}

/* Where the next name is in a first line that every server cuts into words at its spaces; false: none is left. */
static bool find_name(const char *line, size_t size, size_t *from, size_t *to)
{
    static const char word[] = "name=";
    size_t n = sizeof word - 1;
    for (size_t i = *to + 1; i + n <= size; i++) {
        size_t k = 0;
        while (k < n && line[i - 1] == ' ' && (line[i + k] | 0x20) == (word[k] | 0x20))
            k++;
        if (k < n)
            continue;
        *from = *to = i + n;
        while (*to < size && line[*to] != ' ')
            ++*to;
        return true;
    }
    return false;
}

/* Whether the reading of a first line leaves no doubt: no quotes, which servers take apart, and no bytes that are
 * not seen. */
static bool is_plain(const char *line, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (line[i] < ' ' || line[i] > '~' || line[i] == '"' || line[i] == '\'' || line[i] == '\\')
            return false;
    return true;
}

/* What every server refuses a plain first line for, before it reads on; NULL: nothing. Else *from and *to are
 * where the name is. */
static const char *refusal(const char *line, size_t size, size_t *from, size_t *to)
{
    if (size < 2 || memcmp(line, "#!", 2) != 0)
        return "ERR Missing library metadata";
    *to = 1;
    if (!find_name(line, size, from, to))
        return "ERR Library name was not given";
    for (size_t i = *from; i < *to; i++)
        if (!is_name(line[i]))
            return "ERR Library names can only contain letters, numbers, or underscores(_)";
    if (*from == *to)
        return "ERR Library names must be at least one character long";
    size_t other_from, other_to = *to;
    return find_name(line, size, &other_from, &other_to)
               ? "ERR Invalid metadata value, name argument was given multiple times"
               : NULL;
}

static bool random_name(char name[NAME_ROOM])
{
    unsigned char bytes[16];
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return false;
    size_t n = (size_t)snprintf(name, NAME_ROOM, "vouch_lint_");
    for (size_t i = 0; i < sizeof bytes; i++)
        n += (size_t)snprintf(name + n, NAME_ROOM - n, "%02x", (unsigned)bytes[i]);
    return true;
}

/* The library under another name; NULL: memory is short. */
static char *renamed(const char *text, size_t *size, size_t from, size_t to, const char *name)
{
    size_t n = strlen(name), rest = *size - to;
    char *copy = alloc_get(from + n + rest);
    if (!copy)
        return NULL;
    memcpy(copy, text, from);
    memcpy(copy + from, name, n);
    memcpy(copy + from + n, text + to, rest);
    *size = from + n + rest;
    return copy;
}

/* Loads and deletes it; nobody sees it in between. */
static bool run_library(struct server *server, vouch_batch *batch, const char *name, vouch_arg text,
                        struct answer *out, struct fault *fault)
{
    vouch_batch_add(batch, "FUNCTION", "LOAD", text);
    vouch_batch_add(batch, "FUNCTION", "DELETE", name);
    vouch_tx_options options = VOUCH_TX_OPTIONS_INIT;
    vouch_tx_result *result = NULL;
    vouch_error error;
    vouch_status status = vouch_transaction_exec(server->client, batch, &options, &result, &error);
    vouch_tx_outcome outcome = vouch_tx_result_outcome(result);
    const vouch_result *load = vouch_tx_result_at(result, 0);
    bool ran = outcome == VOUCH_OUTCOME_COMMITTED || outcome == VOUCH_OUTCOME_ERRORS;
    bool fine = true;
    if (ran && load && load->reply && vouch_reply_is_error(load->reply))
        fine = judge(vouch_reply_string(load->reply), out, fault);
    else if (status != VOUCH_OK)
        fine = fault_set(fault, "--server: %s", error.message);
    vouch_tx_result_free(result);
    return fine;
}

static bool ask_library(struct server *server, vouch_batch *batch, const char *text, size_t size,
                        struct answer *out, struct fault *fault)
{
    const char *end = memchr(text, '\n', size);
    size_t line = end ? (size_t)(end - text) : size, from = 0, to = 0;
    if (line && text[line - 1] == '\r')
        line--;
    if (!is_plain(text, line))
        return fault_set(fault, "--server: a library is only sent if its first line is plain: "
                                "#!lua name=NAME, without quotes");
    const char *refused = refusal(text, line, &from, &to);
    if (refused) {
        out->verdict = VERDICT_REFUSED;
        (void)snprintf(out->words, sizeof out->words, "%s", refused);
        return true;
    }
    char name[NAME_ROOM];
    if (!random_name(name))
        return fault_set(fault, "--server: there are no random numbers for a name");
    char *copy = renamed(text, &size, from, to, name);
    bool fine = copy ? run_library(server, batch, name, vouch_bytes(copy, size), out, fault)
                     : fault_set(fault, "--server: out of memory");
    alloc_free(copy);
    return fine;
}

bool server_ask(struct server *server, const char *text, size_t size, bool library,
                struct answer *out, struct fault *fault)
{
    *out = (struct answer){.verdict = VERDICT_ACCEPTED};
    vouch_batch *batch = vouch_batch_new();
    if (!batch)
        return fault_set(fault, "--server: out of memory");
    bool fine = library ? ask_library(server, batch, text, size, out, fault)
                        : ask_script(server, batch, text, size, out, fault);
    vouch_batch_free(batch);
    return fine;
}
