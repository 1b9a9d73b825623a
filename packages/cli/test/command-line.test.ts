import { describe, expect, it } from 'vitest'
import { commands } from '../src/commands/index.ts'
import { pipe } from './terminal.ts'

const here = import.meta.dirname

describe('the command line', () => {
  it('lists all commands', async () => {
    const { code, out } = await pipe(['--help'], here)
    expect(code).toBe(0)
    for (const name of Object.keys(commands)) expect(out).toContain(name)
  })

  it.each(Object.keys(commands))('pipe %s --help shows flags and examples', async (name) => {
    const { code, out } = await pipe([...name.split(' '), '--help'], here)
    expect(code).toBe(0)
    expect(out).toContain(`Usage: pipe ${name}`)
    expect(out).toMatch(/Examples:\n {2}pipe /)
    expect(out).toContain('--json')
  })

  it('explains a group of commands by its members', async () => {
    expect((await pipe(['state', '--help'], here)).out).toContain('state reset')
    const { code, err } = await pipe(['state', 'forget'], here)
    expect([code, err]).toEqual([2, '`pipe state` has no `forget`: it has show, reset, move and rescale.\n'])
  })

  it('names the nearest command and flag, with exit code 2', async () => {
    expect(await pipe(['pln'], here)).toMatchObject({ code: 2, err: expect.stringContaining('`pipe plan`') })
    expect(await pipe(['plan', '--grahp', 'mermaid'], here)).toMatchObject({
      code: 2,
      err: expect.stringContaining('Did you mean --graph?'),
    })
  })

  it('refuses a flag without its value, a value for a switch, and an extra argument', async () => {
    for (const words of [
      ['plan', '--graph'],
      ['plan', '--graph', '--json'],
      ['run', '--replace=yes'],
      ['plan', 'a', 'b'],
      ['describe'],
    ]) {
      const { code, out, err } = await pipe(words, here)
      expect([code, out + err]).toEqual([2, expect.stringContaining('usage')])
    }
  })

  it('prints an error as JSON where JSON was requested', async () => {
    const { code, out } = await pipe(['describe', 'csvv', '--json'], here)
    expect(code).toBe(2)
    expect(JSON.parse(out)).toMatchObject({ error: { code: 'unknown_type', hint: 'Did you mean `csv`?' } })
  })

  it('prints its version', async () => {
    expect((await pipe(['--version'], here)).out).toMatch(/^\d+\.\d+\.\d+\n$/)
  })
})
