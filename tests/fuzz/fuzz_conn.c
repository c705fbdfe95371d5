/* The connection's account, with two exchanges on it, against a second account that is kept here in
 * the simplest way: a list of the commands that were pulled, and how many bytes were handed over.
 *
 *   1. Each reply goes to the oldest unanswered command, and to nobody if that was abandoned.
 *   2. A reply that began before its command was handed over whole is a desync, and is told.
 *   3. After a loss or an abandonment everything in flight is maybe (handed over whole) or unsent.
 *   4. What goes out are the commands' bytes, in the order in which they were pulled.
 *   5. A retired connection puts nothing out.
 *   6. Beside a solo nothing is pulled, and a solo only once all else was answered.
 *
 * The input: the window (commands, bytes), then steps: a letter, an argument, and for some text. */
#include "fuzz.h"

#include "net/conn.h"

#include <stdbool.h>

#define COMMANDS   128 /* of each party */
#define SIZE_MAX_  16  /* of a command */
#define FLIGHT_MAX (2 * COMMANDS)

struct party {
    struct exchange x; /* first */
    struct arena arena;
    char bytes[COMMANDS * SIZE_MAX_];
    size_t ends[COMMANDS];
    size_t wanted, sent, per_pull;
    size_t maybe, unsent; /* as it was told */
    bool gone;
};

struct command {
    struct party *party; /* NULL: abandoned */
    const char *bytes;
    size_t size;
};

static struct model {
    struct conn conn;
    struct party party[2];
    struct command flight[FLIGHT_MAX]; /* pulled on this connection, in order */
    size_t count, answered, told;      /* of them; told: replies that came through on_reply */
    size_t taken, handed;              /* bytes */
    struct reader reference;
    struct exchange *solo;
    bool early; /* the reply in progress began before its command was handed over */
} m;

/* ---- the second account ---------------------------------------------------------------------- */

static size_t handed_whole(void)
{
    size_t n = 0, end = 0;
    while (n < m.count && end + m.flight[n].size <= m.handed)
        end += m.flight[n++].size;
    return n;
}

static void count_flight(const struct party *p, size_t *maybe, size_t *unsent)
{
    size_t whole = handed_whole();
    *maybe = *unsent = 0;
    for (size_t i = m.answered; i < m.count; i++)
        if (m.flight[i].party == p)
            *(i < whole ? maybe : unsent) += 1;
}

static size_t pulled_bytes(void)
{
    size_t n = 0;
    for (size_t i = 0; i < m.count; i++)
        n += m.flight[i].size;
    return n;
}

static void check_account(void)
{
    const struct conn *c = &m.conn;
    FUZZ_CHECK(c->answered <= c->handed && c->handed <= c->taken && c->taken <= c->pulled);
    FUZZ_CHECK(c->pending == m.count - m.answered);
    for (size_t i = 0; i < 2; i++) {
        size_t maybe, unsent;
        count_flight(&m.party[i], &maybe, &unsent);
        FUZZ_CHECK(m.party[i].x.pending == maybe + unsent);
    }
    if (!c->retiring)
        FUZZ_CHECK(c->pulled == pulled_bytes() && c->taken == m.taken && c->handed == m.handed);
    FUZZ_CHECK(c->pending <= c->window_commands);
    FUZZ_CHECK(c->retiring || c->pulled - c->answered <= c->window_bytes + SIZE_MAX_);
}

/* ---- a party --------------------------------------------------------------------------------- */

static bool pull(struct exchange *x, size_t commands, struct run *out)
{
    struct party *p = (struct party *)x;
    size_t n = p->wanted - p->sent;
    FUZZ_CHECK(!m.conn.retiring && commands > 0);
    FUZZ_CHECK(!m.solo || (m.solo == x && m.conn.pending == x->pending));
    n = n < commands ? n : commands;
    n = n < p->per_pull ? n : p->per_pull;
    if (!n)
        return false;
    size_t base = p->sent ? p->ends[p->sent - 1] : 0, at = base;
    *out = (struct run){p->bytes + base, p->ends + p->sent, base, n, p->sent + n == p->wanted};
    for (size_t i = 0; i < n; i++) {
        size_t end = p->ends[p->sent + i];
        m.flight[m.count++] = (struct command){p, p->bytes + at, end - at};
        at = end;
    }
    p->sent += n;
    return true;
}

static void on_reply(struct exchange *x, const struct vouch_reply *reply, enum reader_fate fate)
{
    struct party *p = (struct party *)x;
    FUZZ_CHECK((reply != NULL) == (fate == READER_KEPT));
    while (!m.flight[m.told].party)
        m.told++;
    FUZZ_CHECK(m.flight[m.told++].party == p);
    for (size_t i = 0; i < vouch_reply_count(reply); i++)
        (void)vouch_reply_string(vouch_reply_at(reply, i));
    (void)vouch_reply_string(reply);
    arena_free(&p->arena); /* allowed between replies */
    if (p->sent < p->wanted)
        conn_offer(&m.conn, x);
}

static void on_lost(struct exchange *x, size_t maybe, size_t unsent, vouch_cause cause)
{
    struct party *p = (struct party *)x;
    FUZZ_CHECK(cause == VOUCH_CAUSE_LOST && maybe + unsent > 0);
    FUZZ_CHECK(p->maybe + p->unsent == 0);
    p->maybe = maybe;
    p->unsent = unsent;
}

/* Its last commands come back: while they are pulled, or from a retired connection. */
static void on_unsent(struct exchange *x, size_t unsent)
{
    struct party *p = (struct party *)x;
    p->sent -= unsent;
    p->unsent += unsent;
    for (size_t i = m.count; !m.conn.retiring && unsent; unsent--) {
        FUZZ_CHECK(m.flight[--i].party == p);
        m.count--;
        p->unsent--;
    }
}

static void party_init(struct party *p, char letter)
{
    memset(p, 0, sizeof *p);
    p->x = (struct exchange){
        .pull = pull, .on_reply = on_reply, .on_lost = on_lost, .on_unsent = on_unsent};
    p->x.arena = &p->arena;
    p->per_pull = COMMANDS;
    for (size_t i = 0, at = 0; i < COMMANDS; i++) {
        size_t size = 1 + i * 7 % SIZE_MAX_;
        for (size_t k = 0; k < size; k++)
            p->bytes[at++] = (char)(k ? (int)(i & 127) : letter);
        p->ends[i] = at;
    }
}

/* ---- steps ----------------------------------------------------------------------------------- */

static void want(struct party *p, size_t n)
{
    if (p->gone || m.conn.retiring)
        return;
    p->wanted = p->wanted + n < COMMANDS ? p->wanted + n : COMMANDS;
    conn_offer(&m.conn, &p->x);
}

/* Takes at most n bytes of what wants out, and looks at them. */
static void take(size_t n)
{
    struct span spans[3];
    size_t got = conn_output(&m.conn, spans, 3), at = 0, command = 0, offset = 0;
    FUZZ_CHECK(got <= 3 && (!m.conn.retiring || got == 0));
    FUZZ_CHECK((got > 0) == conn_wants_out(&m.conn));
    for (; command < m.count && at + m.flight[command].size <= m.taken; command++)
        at += m.flight[command].size;
    offset = m.taken - at;
    size_t moved = 0;
    for (size_t i = 0; i < got; i++)
        for (size_t k = 0; k < spans[i].size && moved < n; k++, moved++) {
            FUZZ_CHECK(command < m.count);
            FUZZ_CHECK(spans[i].bytes[k] == m.flight[command].bytes[offset]);
            if (++offset == m.flight[command].size) {
                command++;
                offset = 0;
            }
        }
    m.taken += moved;
    conn_taken(&m.conn, moved);
}

static void hand(size_t n)
{
    if (m.conn.retiring)
        return;
    n = n < m.taken - m.handed ? n : m.taken - m.handed;
    m.handed += n;
    conn_handed(&m.conn, n);
}

/* `known`: the second account is up to date. */
static void end_connection(bool known)
{
    size_t maybe[2], unsent[2];
    for (size_t i = 0; i < 2; i++) {
        count_flight(&m.party[i], &maybe[i], &unsent[i]);
        m.party[i].maybe = m.party[i].unsent = 0;
    }
    conn_lost(&m.conn, VOUCH_CAUSE_LOST);
    for (size_t i = 0; i < 2; i++) {
        FUZZ_CHECK(!known || (m.party[i].maybe == maybe[i] && m.party[i].unsent == unsent[i]));
        FUZZ_CHECK(m.party[i].x.pending == 0 && !m.party[i].x.offered);
        arena_free(&m.party[i].arena);
        party_init(&m.party[i], i ? 'b' : 'a');
    }
    conn_restart(&m.conn);
    reader_restart(&m.reference);
    m.count = m.answered = m.told = m.taken = m.handed = 0;
    m.early = false;
    m.solo = NULL;
}

/* READER_DRAIN_MAX counts what is owed: a drained reply, as the reference reads all, owes its own items
 * too, and comes to that end earlier. */
static bool owes_too_much(const char *fault)
{
    return fault && strstr(fault, "more elements than could ever be read");
}

/* What the bytes mean, read one by one. True if they are a desync, or nonsense. */
static bool foresee(const char *bytes, size_t n)
{
    size_t whole = handed_whole();
    for (size_t i = 0; i < n; i++) {
        size_t used = 0;
        bool before = m.reference.inside;
        enum reader_event e = reader_read(&m.reference, NULL, bytes + i, 1, &used);
        if (!before && (m.reference.inside || e == READER_REPLY))
            m.early = m.answered >= whole;
        if (e == READER_BAD)
            return true;
        if (e == READER_MORE)
            continue;
        if (m.early)
            return true;
        m.answered++;
    }
    return false;
}

static void receive(const char *bytes, size_t n)
{
    bool wrong = foresee(bytes, n);
    char *copy = fuzz_exact(bytes, n);
    bool good = conn_received(&m.conn, copy, n);
    free(copy);
    if (owes_too_much(m.conn.fault) || owes_too_much(m.reference.fault)) {
        end_connection(false);
        return;
    }
    FUZZ_CHECK(good == !wrong);
    FUZZ_CHECK(good || m.conn.fault);
    while (m.told < m.answered && !m.flight[m.told].party)
        m.told++;
    FUZZ_CHECK(m.told == m.answered);
    if (!good)
        end_connection(true);
}

static void abandon(struct party *p)
{
    struct party *other = p == &m.party[0] ? &m.party[1] : &m.party[0];
    size_t maybe, unsent, their_maybe, their_unsent, told_maybe, told_unsent;
    count_flight(p, &maybe, &unsent);
    count_flight(other, &their_maybe, &their_unsent);
    bool in_flight = p->x.pending > 0, before = m.conn.retiring;
    other->unsent = 0;
    conn_abandon(&m.conn, &p->x, &told_maybe, &told_unsent);
    FUZZ_CHECK(told_maybe == maybe && told_unsent == unsent);
    FUZZ_CHECK(p->x.pending == 0 && !p->x.offered);
    p->gone = true;
    arena_free(&p->arena);
    if (in_flight || m.solo == &p->x)
        m.solo = NULL;
    if (!in_flight)
        return;
    FUZZ_CHECK(m.conn.retiring && other->unsent == (before ? 0 : their_unsent));
    m.count = handed_whole() > m.answered ? handed_whole() : m.answered;
    for (size_t i = m.answered; i < m.count; i++)
        if (m.flight[i].party == p)
            m.flight[i].party = NULL;
    FUZZ_CHECK(conn_is_over(&m.conn) == (their_maybe == 0));
}

static void step(struct fuzz_input *in)
{
    unsigned what = fuzz_byte(in);
    size_t n = (fuzz_byte(in) - '0') & 63, size;
    const char *bytes, *newline;
    switch (what) {
    case 'a':
    case 'b':
        want(&m.party[what - 'a'], n);
        break;
    case 'p': /* how many at once: both */
        m.party[0].per_pull = m.party[1].per_pull = n + 1;
        break;
    case 'h': /* a plain socket */
        take(n);
        hand(n);
        break;
    case 't':
        take(n);
        break;
    case 'k':
        hand(n);
        break;
    case 'r': /* so many bytes */
        bytes = fuzz_bytes(in, n, &size);
        receive(bytes, size);
        break;
    case 'l': /* so many lines */
        for (bytes = in->at; n && fuzz_left(in); n--) {
            newline = memchr(in->at, '\n', fuzz_left(in));
            in->at = newline ? newline + 1 : in->end;
        }
        receive(bytes, (size_t)(in->at - bytes));
        break;
    case 'w':
        conn_withdraw(&m.conn, &m.party[n & 1].x);
        break;
    case 's':
        if (m.conn.retiring || m.party[n & 1].gone)
            break;
        m.solo = n & 2 ? NULL : &m.party[n & 1].x;
        conn_solo(&m.conn, m.solo);
        break;
    case 'A':
        abandon(&m.party[n & 1]);
        break;
    case 'L':
        end_connection(true);
        break;
    default:
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = fuzz_input(data, size);
    struct reader_limits limits = {64, 16, 4};
    memset(&m, 0, sizeof m);
    m.reference.limits = limits;
    size_t commands = 1 + fuzz_byte(&in) % 64, bytes = 1 + fuzz_byte(&in);
    FUZZ_CHECK(conn_init(&m.conn, limits, commands, bytes));
    for (size_t i = 0; i < 2; i++)
        party_init(&m.party[i], i ? 'b' : 'a');
    while (fuzz_left(&in)) {
        step(&in);
        check_account();
    }
    end_connection(true);
    conn_free(&m.conn);
    reader_reset(&m.reference);
    return 0;
}
