/* How far two cores are from each other: nanoseconds that a word takes from one to the other and back. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define TURNS 20000
/* The least of so many tries: another program may have had a core meanwhile. */
#define TRIES 3
/* A core of which nothing comes back, while others have it, is not waited for longer. */
#define LONGEST_NS 1000000000ll

static _Alignas(128) atomic_int word;
static atomic_bool is_over;

static int64_t now_ns(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return at.tv_sec * 1000000000ll + at.tv_nsec;
}

static int pin(int core) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(core, &cores);
  return sched_setaffinity(0, sizeof cores, &cores);
}

static void *answer(void *core) {
  if (pin(*(int *)core) != 0) atomic_store(&is_over, true);
  while (!atomic_load(&is_over))
    if (atomic_load(&word) == 1) atomic_store(&word, 0);
  return NULL;
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  int ours = atoi(argv[1]), theirs = atoi(argv[2]);
  pthread_t other;
  int64_t least = INT64_MAX;
  if (pin(ours) != 0 || pthread_create(&other, NULL, answer, &theirs) != 0) return 1;
  for (int try = 0; try < TRIES; try += 1) {
    int64_t began = now_ns();
    for (int turn = 0; turn < TURNS && !atomic_load(&is_over); turn += 1) {
      atomic_store(&word, 1);
      while (atomic_load(&word) == 1 && !atomic_load(&is_over))
        if (now_ns() - began > LONGEST_NS) atomic_store(&is_over, true);
    }
    int64_t took = (now_ns() - began) / TURNS;
    if (took < least) least = took;
  }
  if (atomic_exchange(&is_over, true)) return 1;
  pthread_join(other, NULL);
  printf("%lld\n", (long long)least);
  return 0;
}
