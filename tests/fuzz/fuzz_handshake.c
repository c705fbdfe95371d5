/* The handshake, as an exchange on a connection, with a server that answers anything at any time.
 *
 *   1. READY only when every command was answered, and those that matter without an error: HELLO or
 *      AUTH where there are credentials, SELECT of the database, DISCARD behind an accepted MULTI.
 *   2. Nothing is sent behind HELLO or AUTH before its reply.
 *   3. While RUNNING it has something to send or waits for a reply: it cannot hang by itself.
 *   4. A reply that began before its command was handed over whole is a desync, and is told.
 *   5. A failure has a cause and words, and the password is in them only if the server said it.
 *   6. A renewal's AUTH has the connection for itself, and whoever uses it gets its replies.
 *
 * The input: who greets (see who_greets), the window, then steps: a letter, an argument, and for some
 * what the server sends. */
#include "fuzz.h"

#include "net/conn.h"
#include "net/handshake.h"
#include "net/stranger.h"

#include <stdbool.h>

#define SECRET       "s3cr3t"
#define COMMANDS_MAX 64
#define PINGS        32
#define WORDS_MAX    6
#define SENT_MAX     4096
#define WORD_MAX     48

struct command {
    char words[WORDS_MAX][WORD_MAX];
    size_t count;
};

static struct model {
    struct conn conn;
    struct handshake handshake;
    struct greeting greeting;
    char sent[SENT_MAX]; /* all that was taken */
    size_t taken, handed;
    struct command commands[COMMANDS_MAX]; /* those of `sent` that are whole */
    size_t ends[COMMANDS_MAX], count;
    struct reader reference;
    struct arena arena;
    vouch_type replies[COMMANDS_MAX];
    size_t answered;
    bool early, over;
    bool said_secret; /* by the server */

    bool renewal; /* AUTH alone, on a connection that somebody uses */
    struct exchange user;
    struct arena user_arena;
    size_t wanted, pinged, pongs;
} m;

/* ---- who uses the connection meanwhile ------------------------------------------------------- */

static const char ping[] = "*1\r\n$4\r\nPING\r\n";
static const size_t ping_ends[] = {sizeof ping - 1};

static bool user_pull(struct exchange *x, size_t commands, struct run *out)
{
    FUZZ_CHECK(x == &m.user && commands > 0);
    FUZZ_CHECK(m.handshake.state != HANDSHAKE_RUNNING || m.handshake.x.pending == 0);
    if (m.pinged == m.wanted)
        return false;
    *out = (struct run){ping, ping_ends, 0, 1, ++m.pinged == m.wanted};
    return true;
}

static void user_on_reply(struct exchange *x, const struct vouch_reply *reply,
                          enum reader_fate fate)
{
    (void)x;
    FUZZ_CHECK((reply != NULL) == (fate == READER_KEPT));
    arena_free(&m.user_arena);
    m.pongs++;
}

static void user_on_lost(struct exchange *x, size_t maybe, size_t unsent, vouch_cause cause)
{
    FUZZ_CHECK(x == &m.user && cause == VOUCH_CAUSE_LOST);
    FUZZ_CHECK(m.pongs + maybe + unsent == m.pinged);
}

static void user_on_unsent(struct exchange *x, size_t unsent)
{
    (void)x;
    m.pinged -= unsent;
}

static void user_wants(size_t n)
{
    if (!m.renewal)
        return;
    m.wanted = m.wanted + n < PINGS ? m.wanted + n : PINGS;
    if (m.pinged < m.wanted)
        conn_offer(&m.conn, &m.user);
}

/* ---- what was said --------------------------------------------------------------------------- */

/* Reads "*n" or "$n"; false if it is not there whole. */
static bool read_count(size_t *at, char type, size_t *n)
{
    const char *end = memchr(m.sent + *at, '\n', m.taken - *at);
    if (!end)
        return false;
    FUZZ_CHECK(m.sent[*at] == type && end[-1] == '\r');
    *n = (size_t)strtoul(m.sent + *at + 1, NULL, 10);
    *at = (size_t)(end - m.sent) + 1;
    return true;
}

/* Decodes the command that begins at `at`; false if it is not there whole. */
static bool decode(size_t at, struct command *c, size_t *end)
{
    if (!read_count(&at, '*', &c->count))
        return false;
    FUZZ_CHECK(c->count >= 1 && c->count < WORDS_MAX);
    for (size_t i = 0; i < c->count; i++) {
        size_t n;
        if (!read_count(&at, '$', &n) || m.taken - at < n + 2)
            return false;
        FUZZ_CHECK(n < WORD_MAX && memcmp(m.sent + at + n, "\r\n", 2) == 0);
        memcpy(c->words[i], m.sent + at, n);
        c->words[i][n] = 0;
        at += n + 2;
    }
    *end = at;
    return true;
}

static bool is(size_t i, const char *name)
{
    return i < m.count && strcmp(m.commands[i].words[0], name) == 0;
}

static bool is_auth(size_t i)
{
    return is(i, "HELLO") || is(i, "AUTH");
}

static void look_at_sent(void)
{
    size_t end;
    for (size_t at = m.count ? m.ends[m.count - 1] : 0; at < m.taken; at = end) {
        struct command c;
        bool alone = m.count && is_auth(m.count - 1);
        FUZZ_CHECK(!alone || m.answered == m.count); /* also of half a command */
        if (!decode(at, &c, &end))
            return;
        FUZZ_CHECK(strcmp(c.words[0], "AUTH") != 0 || m.answered == m.count);
        FUZZ_CHECK(m.count < COMMANDS_MAX);
        m.commands[m.count] = c;
        m.ends[m.count++] = end;
    }
}

static size_t handed_whole(void)
{
    size_t n = 0;
    while (n < m.count && m.ends[n] <= m.handed)
        n++;
    return n;
}

/* ---- outcomes -------------------------------------------------------------------------------- */

/* The number of the one command with this name; COMMANDS_MAX if it was not sent. */
static size_t find(const char *name)
{
    size_t found = COMMANDS_MAX;
    for (size_t i = 0; i < m.count; i++)
        if (is(i, name)) {
            FUZZ_CHECK(found == COMMANDS_MAX);
            found = i;
        }
    return found;
}

/* Was it answered as servers say yes to it? */
static bool accepted(const char *name)
{
    size_t i = find(name);
    if (i >= m.answered)
        return false;
    if (is(i, "HELLO"))
        return m.replies[i] == VOUCH_TYPE_MAP || m.replies[i] == VOUCH_TYPE_ARRAY;
    if (is(i, "AUTH") || is(i, "SELECT"))
        return m.replies[i] == VOUCH_TYPE_STATUS;
    return m.replies[i] != VOUCH_TYPE_ERROR;
}

static void check_words(const char *name, size_t at, const char *word)
{
    size_t i = find(name);
    FUZZ_CHECK(i < m.count && strcmp(m.commands[i].words[at], word) == 0);
}

static void check_ready(void)
{
    const struct greeting *g = &m.greeting;
    char database[16];
    FUZZ_CHECK(m.answered == m.count && m.conn.pending == 0);
    FUZZ_CHECK(m.handshake.protocol == (accepted("HELLO") ? 3U : 2U));
    FUZZ_CHECK(g->protocol == 3 || find("HELLO") == COMMANDS_MAX);
    if (g->username || g->password) {
        const char *name = accepted("HELLO") ? "HELLO" : "AUTH";
        FUZZ_CHECK(accepted(name));
        check_words(name, m.commands[find(name)].count - 1, g->password ? g->password : "");
        if (g->username)
            check_words(name, m.commands[find(name)].count - 2, g->username);
    }
    if (g->database) {
        (void)snprintf(database, sizeof database, "%u", (unsigned)g->database);
        FUZZ_CHECK(accepted("SELECT"));
        check_words("SELECT", 1, database);
    }
    if (g->probe_multi) {
        FUZZ_CHECK(m.handshake.may_multi == accepted("MULTI"));
        FUZZ_CHECK(!accepted("MULTI") || accepted("DISCARD"));
    }
}

static void check_renewed(void)
{
    const struct greeting *g = &m.greeting;
    FUZZ_CHECK(accepted("AUTH"));
    check_words("AUTH", m.commands[find("AUTH")].count - 1, g->password ? g->password : "");
}

static void check_failed(void)
{
    const struct handshake *h = &m.handshake;
    FUZZ_CHECK(h->cause != VOUCH_CAUSE_NONE && h->message[0]);
    FUZZ_CHECK(m.said_secret || (!strstr(h->message, SECRET) && !strstr(h->code, SECRET)));
}

/* What the link does after it received something. */
static void look_at_state(void)
{
    struct handshake *h = &m.handshake;
    size_t pings = 0;
    for (size_t i = 0; i < m.answered; i++)
        pings += is(i, "PING");
    FUZZ_CHECK(pings == m.pongs);
    switch (h->state) {
    case HANDSHAKE_RUNNING:
        FUZZ_CHECK(h->answered < h->count);
        if (!m.renewal && h->sent < h->count)
            conn_offer(&m.conn, &h->x);
        FUZZ_CHECK(m.renewal || m.conn.pending > 0 || conn_wants_out(&m.conn));
        return;
    case HANDSHAKE_READY:
        m.renewal ? check_renewed() : check_ready();
        break;
    case HANDSHAKE_FAILED:
        check_failed();
        break;
    case HANDSHAKE_NO_PROBE:
        FUZZ_CHECK(!m.renewal && m.greeting.probe_multi);
        FUZZ_CHECK(accepted("MULTI") && !accepted("DISCARD"));
        break;
    }
    m.over = !m.renewal;
    conn_solo(&m.conn, NULL);
}

/* ---- steps ----------------------------------------------------------------------------------- */

static void hand(size_t n)
{
    struct span spans[2];
    size_t got = conn_output(&m.conn, spans, 2), moved = 0;
    for (size_t i = 0; i < got && moved < n; i++) {
        size_t some = spans[i].size < n - moved ? spans[i].size : n - moved;
        FUZZ_CHECK(m.taken + some <= SENT_MAX);
        memcpy(m.sent + m.taken, spans[i].bytes, some);
        m.taken += some;
        moved += some;
        if (some < spans[i].size)
            break;
    }
    conn_taken(&m.conn, moved);
    conn_handed(&m.conn, moved);
    m.handed = m.taken;
    look_at_sent();
}

/* What the bytes mean, read one by one. True if they are a desync, or nonsense. */
static bool foresee(const char *bytes, size_t n)
{
    size_t whole = handed_whole();
    for (size_t i = 0; i < n; i++) {
        size_t used = 0;
        bool before = m.reference.inside;
        enum reader_event e = reader_read(&m.reference, &m.arena, bytes + i, 1, &used);
        if (!before && (m.reference.inside || e == READER_REPLY))
            m.early = m.answered >= whole;
        if (e == READER_BAD || (e == READER_REPLY && m.early))
            return true;
        if (e == READER_REPLY)
            m.replies[m.answered++] = vouch_reply_type(m.reference.reply);
    }
    return false;
}

/* No server should have said this: what is the user told? */
static void look_at_nonsense(const char *bytes, size_t n)
{
    char words[VOUCH_MESSAGE_MAX];
    FUZZ_CHECK(m.conn.fault && *m.conn.fault);
    if (m.conn.stray[0] && !m.renewal) {
        handshake_turned_away(&m.handshake, m.conn.stray);
        FUZZ_CHECK(m.handshake.state == HANDSHAKE_FAILED);
        check_failed();
        return;
    }
    memset(words, 1, sizeof words);
    (void)stranger_describe(bytes, n, m.conn.fault, words, sizeof words);
    FUZZ_CHECK(memchr(words, 0, sizeof words) && words[0]);
}

static void receive(const char *bytes, size_t n)
{
    bool wrong = foresee(bytes, n);
    char *copy = fuzz_exact(bytes, n);
    bool good = conn_received(&m.conn, copy, n);
    FUZZ_CHECK(good == !wrong);
    if (good) {
        look_at_state();
    } else {
        look_at_nonsense(copy, n);
        m.over = true;
    }
    free(copy);
}

/* The renewal's time has come, while somebody uses the connection. */
static void renew(void)
{
    if (!m.renewal || m.handshake.sent || m.handshake.state != HANDSHAKE_RUNNING)
        return;
    conn_offer(&m.conn, &m.handshake.x);
    conn_solo(&m.conn, &m.handshake.x);
}

static void step(struct fuzz_input *in)
{
    unsigned what = fuzz_byte(in);
    size_t n = (fuzz_byte(in) - '0') & 63, size;
    const char *bytes = in->at, *newline;
    switch (what) {
    case 'h': /* so many bytes go out */
        hand(n);
        break;
    case 'H': /* everything */
        hand(SENT_MAX);
        break;
    case 'r': /* so many bytes come in */
        bytes = fuzz_bytes(in, n, &size);
        receive(bytes, size);
        break;
    case 'l': /* so many lines */
        for (; n && fuzz_left(in); n--) {
            newline = memchr(in->at, '\n', fuzz_left(in));
            in->at = newline ? newline + 1 : in->end;
        }
        receive(bytes, (size_t)(in->at - bytes));
        break;
    case 'u': /* so many commands of who uses it */
        user_wants(n);
        break;
    case 'R':
        renew();
        break;
    case 'L':
        m.over = true;
        break;
    default:
        break;
    }
}

static void who_greets(unsigned choice, struct greeting *g)
{
    g->protocol = choice & 1 ? 2 : 3;
    g->username = choice & 2 ? "ann" : NULL;
    g->password = choice & 4 ? SECRET : NULL;
    g->name = choice & 8 ? "me" : NULL;
    g->database = choice & 16 ? 4 : 0;
    g->probe_multi = (choice & 32) != 0;
    m.renewal = (choice & 64) != 0;
}

static void begin(size_t window)
{
    struct reader_limits limits = {256, 32, 4};
    m.reference.limits = limits;
    m.user = (struct exchange){.pull = user_pull,
                               .on_reply = user_on_reply,
                               .on_lost = user_on_lost,
                               .on_unsent = user_on_unsent,
                               .arena = &m.user_arena};
    FUZZ_CHECK(conn_init(&m.conn, limits, window, 1000));
    FUZZ_CHECK(m.renewal ? handshake_init_renewal(&m.handshake, &m.greeting)
                         : handshake_init(&m.handshake, &m.greeting));
    if (!m.renewal)
        conn_offer(&m.conn, &m.handshake.x);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = fuzz_input(data, size);
    memset(&m, 0, sizeof m);
    who_greets(fuzz_byte(&in), &m.greeting);
    size_t window = 1 + fuzz_byte(&in) % 8;
    for (size_t i = 0; i + sizeof SECRET - 1 <= fuzz_left(&in); i++)
        m.said_secret = m.said_secret || memcmp(in.at + i, SECRET, sizeof SECRET - 1) == 0;
    begin(window);
    while (fuzz_left(&in) && !m.over)
        step(&in);
    enum handshake_state state = m.handshake.state;
    FUZZ_CHECK(state != HANDSHAKE_NO_PROBE || !m.renewal);
    conn_lost(&m.conn, VOUCH_CAUSE_LOST);
    FUZZ_CHECK(m.handshake.state == state && m.handshake.x.pending == 0);
    handshake_free(&m.handshake);
    conn_free(&m.conn);
    reader_reset(&m.reference);
    arena_free(&m.arena);
    arena_free(&m.user_arena);
    return 0;
}
