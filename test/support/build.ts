// Builds the program once before any test runs it.
import { bundle } from '../../scripts/build.ts'

export default async function setup(): Promise<void> {
  await bundle()
}
