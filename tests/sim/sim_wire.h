/* A connection between a link and a server in memory: its bytes, and how it breaks. */
#ifndef SIM_WIRE_H
#define SIM_WIRE_H

#include "client/link.h"
#include "sim_server.h"

enum { SIM_WIRES_MAX = 64 };

enum sim_fault_kind {
    SIM_NONE,
    SIM_ACCEPT_CUT,   /* the client's kernel takes n bytes, then the connection breaks; the server
                         gets all n, its answers do not come back */
    SIM_SERVER_CUT,   /* the kernel takes all, the server gets n bytes, answers, and is gone */
    SIM_SERVER_LATE,  /* the same, and the rest arrives later: by sim_wire_arrive */
    SIM_SERVER_STALL, /* the same, but the client is not shown an end: its deadline must pass */
    SIM_CLIENT_CUT,   /* the client gets n bytes of answers, then the end; the server gets all */
    SIM_CLIENT_STALL, /* the same without the end */
    SIM_KINDS
};

struct sim_fault {
    enum sim_fault_kind kind;
    int wire; /* connections are numbered in the order in which they were opened */
    size_t at;
};

/* The server's end. */
struct sim_far {
    void (*arrive)(void *session, const char *bytes, size_t n);
    void *session;
    const struct sim_bytes *out; /* its answers */
};

/* How bytes move. */
struct sim_pace {
    size_t split; /* so many at once, each way; 0: all there is */
    size_t
        record; /* as with TLS: the client's bytes go out in records of that many at most, and of a
                      record nothing can be read before its last byte is there. 0: no records */
};

struct sim_wire {
    struct link *link; /* NULL once the client closed it */
    struct sim_far far;
    struct sim_bytes accepted; /* what the client's kernel took; of records, only whole ones */
    struct sim_bytes ends;     /* for each byte of those, whether a record ends with it */
    struct sim_bytes held;     /* the record that is going out */
    size_t held_out;           /* bytes of it that the kernel took */
    size_t took;               /* what the kernel took in all */
    size_t arrived;            /* of those, at the server */
    size_t returned;           /* of its output, at the client */
    struct sim_fault fault;
    bool server_gone; /* nothing arrives there any more */
};

/* A zeroed wire: connected. */
void sim_wire_open(struct sim_wire *w, struct link *link, struct sim_far far);
/* What the kernel took reaches the server, up to so many bytes of the connection's life. */
void sim_wire_arrive(struct sim_wire *w, size_t limit);
/* Client to kernel, kernel to server, and back. True if anything moved. */
bool sim_wire_move(struct sim_wire *w, const struct sim_pace *pace);
/* The client let go. The server runs what reached its socket, also now. */
void sim_wire_close(struct sim_wire *w);
/* Part of what the kernel took waits for sim_wire_arrive. */
bool sim_wire_is_late(const struct sim_wire *w);
void sim_wire_free(struct sim_wire *w);

#endif
