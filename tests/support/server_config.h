#ifndef TS_SERVER_CONFIG_H
#define TS_SERVER_CONFIG_H

#include "server.h"

/* The text of a server's configuration file. Private to the harness. */

/* Fresh memory, freed with free(). Port 0 for none; primary_port 0 for no primary. */
char *ts_server_config_text(const ts_server_options *options, const char *folder, int port,
                            int primary_port);

#endif
