// Whatever a file system says is told plainly, with a hint, and is never called a fault of ours.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { CODES, Failure } from '../../../src/errors.ts'
import { diskFailure, lastDiskFailure, withDiskErrors, withDiskErrorsLater } from '../../../src/io/store/disk-errors.ts'
import { newFolder } from '../../support/temporary-home.ts'

/** As Node makes them. */
function systemError(code: string, more: object = { syscall: 'open', path: '/home/ada/x' }): Error {
  return Object.assign(new Error(`${code}: it went wrong, open '/home/ada/x'`), { code, errno: -1 }, more)
}

describe('each word of a file system', () => {
  it.each([
    ['ENOSPC', 'DISK_FULL'],
    ['EDQUOT', 'DISK_FULL'],
    ['EFBIG', 'DISK_FULL'],
    ['EROFS', 'HOME_UNWRITABLE'],
    ['EACCES', 'HOME_UNWRITABLE'],
    ['EPERM', 'HOME_UNWRITABLE'],
    ['ENOTDIR', 'HOME_UNWRITABLE'],
    ['EISDIR', 'HOME_UNWRITABLE'],
    ['EEXIST', 'HOME_UNWRITABLE'],
    ['ELOOP', 'HOME_UNWRITABLE'],
    ['ENAMETOOLONG', 'HOME_UNWRITABLE'],
    ['EBUSY', 'HOME_UNWRITABLE'],
    ['EMFILE', 'TOO_MANY_FILES'],
    ['ENFILE', 'TOO_MANY_FILES'],
    ['EIO', 'DISK_FAILED'],
    ['ESTALE', 'DISK_FAILED'],
    ['ENOTCONN', 'DISK_FAILED'],
    // What nobody has thought of.
    ['EREMOTEIO', 'DISK_FAILED'],
    ['EUCLEAN', 'DISK_FAILED'],
    ['ENOMEM', 'DISK_FAILED'],
  ])('%s is %s', (word, code) => {
    const failure = diskFailure(systemError(word), '/home/ada/x')
    expect(failure).toMatchObject({ code, exit: 1, message: expect.stringMatching(`^/home/ada/x: .*\\(${word}\\)$`) })
    expect(failure?.hint).toMatch(/\w/)
    expect(failure?.hint).not.toMatch(/chown|\brm\b|\bmv\b|--home DIR/)
    expect(code in CODES).toBe(true)
    expect(lastDiskFailure(systemError(word))).toMatchObject({ code })
  })

  it('ENOENT is for whoever waits for it, and told where nobody does', () => {
    expect(diskFailure(systemError('ENOENT'), '/x')).toBeUndefined()
    expect(lastDiskFailure(systemError('ENOENT'))).toMatchObject({
      code: 'DISK_FAILED',
      message: '/home/ada/x is gone (ENOENT)',
    })
  })

  it('the network\u2019s words, and our own mistakes, are none', () => {
    for (const error of [
      systemError('ECONNREFUSED', { syscall: 'connect' }),
      systemError('EPIPE', { syscall: 'write' }),
    ])
      expect(lastDiskFailure(error)).toBeUndefined()
    for (const error of [new TypeError('x is not a function'), new Failure('NO_CALL', 'no call'), 'text', undefined])
      expect([diskFailure(error, '/x'), lastDiskFailure(error)]).toEqual([undefined, undefined])
  })
})

describe('Node\u2019s permission model', () => {
  it.each([
    ['FileSystemRead', '--allow-fs-read'],
    ['FileSystemWrite', '--allow-fs-write'],
    ['WorkerThreads', '--allow-worker'],
    ['ChildProcess', '--allow-child-process'],
  ])('%s: the flag is named', (permission, flag) => {
    const error = systemError('ERR_ACCESS_DENIED', { permission, resource: '/home/ada' })
    for (const failure of [diskFailure(error, '/x'), lastDiskFailure(error)])
      expect(failure).toMatchObject({ code: 'NOT_PERMITTED', exit: 1, hint: expect.stringContaining(flag) })
  })
})

it('the hint to a closed folder names the folder that is closed', () => {
  const folder = join(newFolder(), 'a b')
  mkdirSync(folder)
  writeFileSync(join(folder, 'x'), '')
  const hint = diskFailure(systemError('EACCES'), join(folder, 'x', 'nothing', 'here'))?.hint
  // Root is kept out by nothing that chmod could change.
  if (process.getuid?.() === 0)
    expect(hint).toBe(`its permissions allow it, so look how the disk is mounted, and at \`lsattr -d '${folder}/x'\``)
  else expect(hint).toBe(`let its owner use it: \`chmod u+rwX '${folder}/x'\``)
})

it('work that goes well is left alone, now and later', async () => {
  expect(withDiskErrors('/x', () => 7)).toBe(7)
  expect(await withDiskErrorsLater('/x', async () => 7)).toBe(7)
  await expect(withDiskErrorsLater('/x', () => Promise.reject(systemError('EIO')))).rejects.toMatchObject({
    code: 'DISK_FAILED',
  })
})
