/* main VERSION: runs a pipeline on $VOUCH_URL, with the vouch of this version. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vouch/vouch.h>

int main(int argc, char **argv)
{
    vouch_client *client;
    vouch_results *results;
    vouch_error error;
    int64_t sum = 0;
    if (argc != 2 || strcmp(vouch_version(), argv[1]) != 0) {
        fprintf(stderr, "this is vouch %s\n", vouch_version());
        return 1;
    }
    if (vouch_client_open(getenv("VOUCH_URL"), NULL, &client, &error) != VOUCH_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    vouch_batch *batch = vouch_batch_new();
    vouch_batch_add(batch, "SET", "sum", 40);
    vouch_batch_add(batch, "INCRBY", "sum", 2);
    vouch_status status = vouch_pipeline_run(client, batch, NULL, &results, &error);
    if (status == VOUCH_OK)
        (void)vouch_reply_int64(vouch_results_at(results, 1)->reply, &sum);
    else
        fprintf(stderr, "%s\n", error.message);
    vouch_results_free(results);
    vouch_batch_free(batch);
    vouch_client_close(client);
    return sum == 42 ? 0 : 1;
}
