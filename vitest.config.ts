import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/build.ts'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // Two cores: more workers than that only make real processes and real relays wait for each other.
    maxWorkers: 2,
    // A shared CI machine may lose a core for seconds; a test that fails twice is broken.
    retry: process.env.CI ? 1 : 0,
  },
})
