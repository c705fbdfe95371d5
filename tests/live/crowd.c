/* The crowd as the test sees it: processes, and the files in which they report. */
#include "crowd.h"

#include "base.h"
#include "children.h"
#include "clock.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CROWD     8
#define PATH_SIZE (PATH_MAX + 16)

struct member {
    pid_t pid;
    bool asleep;
    int64_t wake_at;
};

struct crowd {
    struct crowd_plan plan;
    uint64_t die;
    char url[PATH_SIZE], report[PATH_SIZE], log[PATH_SIZE];
    unsigned long born, kills, sleeps;
    bool ending;
    struct member members[CROWD];
};

struct crowd_plan crowd_plan_of(uint64_t seed)
{
    uint64_t r = chaos_seed(seed, 5, 0);
    struct crowd_plan p = {.seed = seed};
    bool *const some[] = {&p.deletes, &p.forgets_scripts, &p.kills, &p.sleeps,      &p.cuts,
                          &p.chaos,   &p.destroys,        &p.drops, &p.server_dies, &p.starves};
    for (size_t i = 0; i < sizeof some / sizeof *some; i++)
        *some[i] = chaos_below(&r, 5) < 2;
    p.flushes = chaos_below(&r, 8) == 0;
    p.all_or_none = chaos_below(&r, 6) == 0;
    p.delete_acked = chaos_below(&r, 6) == 0;
    p.dead_letters = chaos_below(&r, 4) == 0;
    p.run_ms = 200 + (int64_t)chaos_below(&r, 300);
    p.calm = chaos_below(&r, 8) == 0;
    for (size_t i = 0; p.calm && i < sizeof some / sizeof *some; i++)
        *some[i] = i < 2;
    p.flushes = p.flushes && !p.calm;
    p.clock = chaos_below(&r, 3) == 0 && !p.calm;
    return p;
}

int64_t crowd_amount(int life, size_t k)
{
    return (int64_t)life * 1000 + (int64_t)(k % 97) + 1;
}

/* ---- processes ------------------------------------------------------------------------------ */

static void give_birth(struct crowd *c, size_t i)
{
    char name[16], seed[24], die[24];
    (void)snprintf(name, sizeof name, "w%zu", i / 2);
    (void)snprintf(seed, sizeof seed, "%" PRIu64, c->plan.seed);
    (void)snprintf(die, sizeof die, "%" PRIu64, chaos_seed(c->plan.seed, 6, c->born++));
    const char *program = c->plan.worker ? c->plan.worker : "/proc/self/exe";
    char path[PATH_SIZE];
    (void)snprintf(path, sizeof path, "%s", program);
    char *argv[] = {path, "--consumer", c->url, name, seed, die, c->report, NULL};
    c->members[i] = (struct member){.pid = ts_child_exec(argv, c->log)};
}

struct crowd *crowd_start(const struct crowd_plan *plan, const char *url, const char *folder)
{
    struct crowd *c = ts_alloc(sizeof *c);
    c->plan = *plan;
    c->die = chaos_seed(plan->seed, 7, 0);
    (void)snprintf(c->url, sizeof c->url, "%s", url);
    (void)snprintf(c->report, sizeof c->report, "%s/report", folder);
    (void)snprintf(c->log, sizeof c->log, "%s/log", folder);
    for (size_t i = 0; i < CROWD; i++)
        give_birth(c, i);
    return c;
}

static void show_log(const struct crowd *c)
{
    char line[400];
    FILE *f = fopen(c->log, "r");
    while (f && fgets(line, sizeof line, f))
        (void)fputs(line, stderr);
    if (f)
        (void)fclose(f);
}

/* True while it lives. */
static bool reap(struct crowd *c, size_t i, bool *fine)
{
    int status = 0;
    if (c->members[i].pid < 0)
        return false;
    if (!ts_child_wait(c->members[i].pid, 0, &status))
        return true;
    c->members[i].pid = -1;
    bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    bool early = WIFSIGNALED(status) && WTERMSIG(status) == SIGUSR1; /* before it could listen */
    bool quiet = c->ending && (early || (WIFEXITED(status) && WEXITSTATUS(status) == 0));
    c->kills += killed;
    if (!killed && !quiet) {
        *fine = false;
        (void)fprintf(stderr, "a consumer ended with %x:\n", (unsigned)status);
        show_log(c);
    }
    return false;
}

/* It may have put itself to sleep. */
static void look_after(struct crowd *c, struct member *m)
{
    char state = ts_process_state(m->pid);
    if (state != 'T') {
        m->asleep = false;
    } else if (!m->asleep) {
        m->asleep = true;
        c->sleeps++;
        m->wake_at = ts_now_ms() + (int64_t)chaos_below(&c->die, 120);
    } else if (ts_now_ms() >= m->wake_at) {
        (void)kill(m->pid, SIGCONT);
    }
}

bool crowd_turn(struct crowd *c)
{
    bool fine = true;
    for (size_t i = 0; i < CROWD; i++) {
        if (reap(c, i, &fine))
            look_after(c, &c->members[i]);
        else if (fine && !c->ending)
            give_birth(c, i);
    }
    return fine;
}

static void signal_one(struct crowd *c, int number)
{
    pid_t pid = c->members[chaos_below(&c->die, CROWD)].pid;
    if (pid > 0)
        (void)kill(pid, number);
}

void crowd_kill_one(struct crowd *c)
{
    signal_one(c, SIGKILL);
}

void crowd_stop_one(struct crowd *c)
{
    signal_one(c, SIGSTOP);
}

bool crowd_end(struct crowd *c)
{
    int64_t limit = ts_deadline(20000);
    c->ending = true;
    for (size_t i = 0; i < CROWD; i++) {
        bool rude = c->plan.kills && chaos_below(&c->die, 2);
        if (c->members[i].pid > 0)
            (void)kill(c->members[i].pid, rude ? SIGKILL : SIGUSR1);
    }
    for (;;) {
        bool fine = crowd_turn(c), any = false;
        for (size_t i = 0; i < CROWD; i++)
            any = any || c->members[i].pid > 0;
        if (!any || !fine)
            return fine;
        if (!ts_look_again(limit)) {
            (void)fprintf(stderr, "a consumer does not end\n");
            return false;
        }
    }
}

/* ---- reports -------------------------------------------------------------------------------- */

/* An entry that was claimed from a process may come back to it, before it has looked at what it was handed first. */
struct ear {
    struct crowd_words words;
    int life;
    unsigned long who;
    unsigned handed[CROWD_MOST + 1];                /* the last time that somebody was handed it */
    unsigned handed_to[CROWD_MOST + 1][CROWD_PIDS]; /* … that this process was */
    unsigned late[CROWD_MOST + 1]; /* who was handed it this time began to commit it too late */
    unsigned usurped[CROWD_MOST + 1][CROWD_PIDS]; /* and was told that it is done */
    bool unheard[CROWD_PIDS]; /* had some again without being handed them: it ended */
};

static void hear_of(struct ear *ear, char letter, unsigned long k, int64_t amount, unsigned n)
{
    switch (letter) {
    case 'L':
        ear->words.lost[k]++;
        break;
    case 'N':
        ear->words.given_back[k] = 1;
        break;
    case 'H':
        ear->handed[k] = n > ear->handed[k] ? n : ear->handed[k];
        if (n > ear->handed_to[k][ear->who])
            ear->handed_to[k][ear->who] = n;
        break;
    case 'B':
        if (n < ear->handed[k])
            ear->late[k] = n;
        break;
    case 'D':
        if (amount == crowd_amount(ear->life, k))
            ear->words.done[k]++;
        if (ear->late[k] == n)
            ear->usurped[k][ear->who] = n;
        break;
    default:
        break;
    }
}

static size_t usurped(const struct ear *ear)
{
    size_t n = 0;
    for (size_t k = 0; k <= CROWD_MOST; k++)
        for (size_t i = 0; i < CROWD_PIDS; i++)
            n += !ear->unheard[i] && ear->usurped[k][i] &&
                 ear->handed_to[k][i] <= ear->usurped[k][i];
    return n;
}

static void hear(struct ear *ear, const char *line)
{
    struct crowd_words *words = &ear->words;
    char *rest = NULL;
    ear->who = strtoul(line, &rest, 10) % CROWD_PIDS;
    char letter = rest[0] ? rest[1] : 0;
    if (letter && letter != 'E') {
        unsigned long k = strtoul(rest + 2, &rest, 10);
        int64_t number = strtoll(rest, &rest, 10);
        unsigned n = (unsigned)strtoul(rest, NULL, 10);
        if (letter == 'U')
            words->untold += k;
        else if (letter == 'Q')
            ear->unheard[ear->who] = true;
        else if (k > CROWD_MOST)
            ts_die("an entry that never was: %s", line);
        else
            hear_of(ear, letter, k, number, letter == 'D' ? n : (unsigned)number);
    }
    words->dones += letter == 'D';
    words->fenced += letter == 'F';
    words->others += letter == 'O';
    words->troubles += letter == 'E';
}

struct crowd_words crowd_free(struct crowd *c, int life)
{
    struct ear *ear = ts_alloc(sizeof *ear);
    char line[256];
    ear->words.kills = c->kills;
    ear->words.sleeps = c->sleeps;
    ear->life = life;
    for (size_t i = 0; i < CROWD; i++)
        if (c->members[i].pid > 0)
            ts_child_kill(c->members[i].pid);
    FILE *f = fopen(c->report, "r");
    while (f && fgets(line, sizeof line, f))
        if (strchr(line, '\n')) /* else it was killed as it wrote */
            hear(ear, line);
    if (f)
        (void)fclose(f);
    (void)unlink(c->report);
    (void)unlink(c->log);
    free(c);
    struct crowd_words words = ear->words;
    words.usurped = usurped(ear);
    free(ear);
    return words;
}
