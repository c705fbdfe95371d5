/* A bank in a server: tellers, each a process with a client of its own, move money between a few
 * accounts. Each transfer writes, in the same transaction, that it was made; and what its teller was told
 * of it is in memory that all share, where no death of anybody loses it. So the audit can look at every
 * single one. */
#ifndef TORTURE_BANK_H
#define TORTURE_BANK_H

#include "rig.h"

#define BANK_TELLERS   8
#define BANK_ACCOUNTS  4
#define BANK_BALANCE   1000  /* of each at first */
#define BANK_TRANSFERS 20000 /* most of one teller */

enum bank_marker { BANK_PLAIN, BANK_RESOLVE, BANK_TOKEN };

struct bank;

struct bank_tally {
    unsigned long begun, committed, not_applied, unknown;
    unsigned long unknown_made; /* of the unknown ones: were made */
    unsigned long settled;      /* doubts that a marker turned into yes or no */
    unsigned long rerun;        /* runs of a token that was in doubt */
};

/* Forks the tellers, who wait. To be called while this process has no threads and no connections that
 * they would inherit. */
struct bank *bank_open(enum bank_marker marker, uint64_t seed);
/* Fills the accounts and lets the tellers begin, through the rig's proxy. */
void bank_begin(struct bank *bank, struct rig *rig);
/* Transfers that have ended, in whatever way; and of these, were committed. */
uint64_t bank_ended(const struct bank *bank);
uint64_t bank_committed(const struct bank *bank);
/* Lets the tellers finish what they are at; the server must be there. The test fails if one of them saw
 * what must not be. */
void bank_end(struct bank *bank);
/* Compares all that was said with what is there, and adds it up. */
void bank_audit(const struct bank *bank, struct rig *rig, struct bank_tally *tally);
void bank_close(struct bank *bank);

/* ---- within the bank ------------------------------------------------------------------------ */

#include <stdatomic.h>

enum bank_word { BANK_BEGUN = 1, BANK_COMMITTED, BANK_NOT_APPLIED, BANK_UNKNOWN };

/* One transfer, and what was said of it. */
struct bank_transfer {
    uint8_t from, to;
    int16_t amount;
    enum bank_word word;
};

struct bank_till {
    atomic_size_t count;
    unsigned long settled, rerun;
    char complaint[VOUCH_MESSAGE_MAX + 64];
    struct bank_transfer transfers[BANK_TRANSFERS];
};

struct bank {
    enum bank_marker marker;
    uint64_t seed;
    char url[TS_URL_MAX];
    int gate[2]; /* a pipe: a byte in it lets one teller begin */
    atomic_bool closing;
    atomic_ullong ended, committed;
    pid_t tellers[BANK_TELLERS];
    struct bank_till tills[BANK_TELLERS];
};

/* teller.c: the life of one; 0, or 1 and a complaint. */
int teller_work(struct bank *bank, int number);

#endif
