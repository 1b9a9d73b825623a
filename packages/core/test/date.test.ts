import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  checkDateFormat,
  checkZone,
  compileDateFormatter,
  compileDateParser,
  compileReformat,
  type Fold,
  isoText,
  whyNoDate,
  MillraceError,
} from '../src/index.ts'

const parse = (formats: string | string[], text: string, zone = 'UTC') => {
  const ms = compileDateParser([formats].flat(), zone)(text)
  return ms === undefined ? undefined : isoText(ms)
}

describe('reading dates', () => {
  it.each<[string, string, string]>([
    ['M/d/yyyy H:mm', '12/1/2010 8:26', '2010-12-01T08:26:00.000Z'],
    ['M/d/yyyy H:mm', '12/01/2010 08:26', '2010-12-01T08:26:00.000Z'],
    ['d/M/yyyy H:mm', '31/12/2023 00:00', '2023-12-31T00:00:00.000Z'],
    ['MM-dd-yyyy HH:mm', '12-01-2010 08:26', '2010-12-01T08:26:00.000Z'],
    ['M/d/yy H:mm', '1/13/11 9:05', '2011-01-13T09:05:00.000Z'],
    ['M/d/yy', '1/13/99', '2099-01-13T00:00:00.000Z'],
    ['yyyyMMddHHmmssSSS', '20101201082600123', '2010-12-01T08:26:00.123Z'],
    ["yyyy-MM-dd'T'HH:mm", '2010-12-01T08:26', '2010-12-01T08:26:00.000Z'],
    ["d. MMMM yyyy 'at' h:mm a", '1. december 2010 at 12:05 am', '2010-12-01T00:05:00.000Z'],
    ['h:mm a, MMM d yyyy', '12:05 PM, May 1 2010', '2010-05-01T12:05:00.000Z'],
    ["h 'o''clock' a d/M/yyyy", "1 o'clock PM 1/5/2010", '2010-05-01T13:00:00.000Z'],
    ['EEE, dd MMM yyyy HH:mm:ss Z', 'Wed, 01 Dec 2010 08:26:00 -0130', '2010-12-01T09:56:00.000Z'],
    ['EEEE d/M/yyyy', 'Wednesday 1/12/2010', '2010-12-01T00:00:00.000Z'],
    ['yyyy-MM-dd HH:mmXXX', '2010-12-01 08:26+05:30', '2010-12-01T02:56:00.000Z'],
    ['yyyy-MM-dd HH:mmXXX', '2010-12-01 08:26Z', '2010-12-01T08:26:00.000Z'],
    ['yyyy-MM-dd HH:mmX', '2010-12-01 08:26-08', '2010-12-01T16:26:00.000Z'],
    ['yyyy-MM-dd HH:mmx', '2010-12-01 08:26+0530', '2010-12-01T02:56:00.000Z'],
    ['yyyy-MM-dd HH:mm VV', '2010-12-01 08:26 Europe/Berlin', '2010-12-01T07:26:00.000Z'],
    ['yyyy-MM-dd HH:mm:ss.SSSSSS', '2010-12-01 08:26:00.120000', '2010-12-01T08:26:00.120Z'],
    ['iso', '2010-12-01', '2010-12-01T00:00:00.000Z'],
    ['iso', '2010-12-01T08:26', '2010-12-01T08:26:00.000Z'],
    ['iso', '2010-12-01 08:26:59,5', '2010-12-01T08:26:59.500Z'],
    ['iso', '2010-12-01t08:26:59.123000z', '2010-12-01T08:26:59.123Z'],
    ['iso', '2010-12-01T08:26:59+01:00', '2010-12-01T07:26:59.000Z'],
    ['iso', '2010-12-01T08:26:59+0100', '2010-12-01T07:26:59.000Z'],
    ['iso', '2010-12-01T08:26:59+01', '2010-12-01T07:26:59.000Z'],
    ['epoch_s', '1291191960', '2010-12-01T08:26:00.000Z'],
    ['epoch_s', '-0.5', '1969-12-31T23:59:59.500Z'],
    ['epoch_ms', '1291191960123', '2010-12-01T08:26:00.123Z'],
  ])('%s reads %s', (format, text, expected) => {
    expect(checkDateFormat(format)).toBe(undefined)
    expect(parse(format, text)).toBe(expected)
  })

  it.each<[string, string]>([
    ['M/d/yyyy H:mm', '13/1/2010 8:26'],
    ['M/d/yyyy H:mm', '2/30/2010 8:26'],
    ['M/d/yyyy H:mm', '2/29/2011 8:26'],
    ['M/d/yyyy H:mm', '2/29/1900 8:26'],
    ['M/d/yyyy H:mm', '0/1/2010 8:26'],
    ['M/d/yyyy H:mm', '1/0/2010 8:26'],
    ['M/d/yyyy H:mm', '12/1/2010 24:00'],
    ['M/d/yyyy H:mm', '12/1/2010 8:60'],
    ['M/d/yyyy H:mm', '12/1/2010 8:6'],
    ['M/d/yyyy H:mm', '12/1/2010 8:26 '],
    ['M/d/yyyy H:mm', ' 12/1/2010 8:26'],
    ['M/d/yyyy H:mm', '12/1/2010 8:'],
    ['M/d/yyyy H:mm', '12/1/10 8:26'],
    ['M/d/yyyy H:mm', '012/1/2010 8:26'],
    ['M/d/yyyy H:mm', '1２/1/2010 8:26'],
    ['M/d/yyyy H:mm', ''],
    ['MM/dd/yyyy', '1/1/2010'],
    ['yyyy-MM-dd', '0000-01-01'],
    ['yyyy-MM-dd', '-001-01-01'],
    ['h:mm a d/M/yyyy', '13:00 PM 1/1/2010'],
    ['h:mm a d/M/yyyy', '0:30 AM 1/1/2010'],
    ['h:mm a d/M/yyyy', '1:30 XM 1/1/2010'],
    ['EEE d/M/yyyy', 'Mon 1/12/2010'],
    ['MMM d yyyy', 'Dez 1 2010'],
    ['MMMM d yyyy', 'Dec 1 2010'],
    ['yyyy-MM-dd HH:mmXXX', '2010-12-01 08:26+0530'],
    ['yyyy-MM-dd HH:mmxxx', '2010-12-01 08:26Z'],
    ['yyyy-MM-dd HH:mmXXX', '2010-12-01 08:26+19:00'],
    ['yyyy-MM-dd HH:mm VV', '2010-12-01 08:26 Mars/Olympus'],
    ['yyyy-MM-dd HH:mm:ss.SSSSSS', '2010-12-01 08:26:00.120001'],
    ['iso', '2010-12-01T08'],
    ['iso', '2010-12-01T08:26:60Z'],
    ['iso', '2010-12-01T24:00:00Z'],
    ['iso', '2010-12-01T08:26:00.'],
    ['iso', '2010-12-01T08:26:00.0001Z'],
    ['iso', '2010-12-01T08:26:'],
    ['iso', '2010-1-1'],
    ['iso', '0001-01-01T00:00:00+01:00'],
    ['iso', '9999-12-31T23:59:59-01:00'],
    ['epoch_s', '1e9'],
    ['epoch_s', '999999999999'],
    ['epoch_ms', '1291191960123.5'],
    ['epoch_ms', ''],
    ['epoch_ms', '-'],
  ])('%s refuses %j', (format, text) => {
    expect(parse(format, text)).toBe(undefined)
  })

  it('uses the first of several formats that fits', () => {
    const formats = ['MM-dd-yyyy HH:mm', 'M/d/yyyy H:mm', 'M/d/yy H:mm']
    expect(
      ['12-01-2010 08:26', '1/13/11 9:05', '12/1/2010 8:26', '1.1.2010'].map((text) => parse(formats, text)),
    ).toEqual(['2010-12-01T08:26:00.000Z', '2011-01-13T09:05:00.000Z', '2010-12-01T08:26:00.000Z', undefined])
    expect(parse(['d/M/yyyy', 'M/d/yyyy'], '2/3/2010')).toBe('2010-03-02T00:00:00.000Z')
  })

  it('remembers the last text, even one that was no date', () => {
    const read = compileDateParser(['M/d/yyyy'], 'UTC')
    expect(['1/1/1970', '1/1/1970', 'x', 'x', '1/2/1970', 'x'].map(read)).toEqual([
      0,
      0,
      undefined,
      undefined,
      86_400_000,
      undefined,
    ])
  })
})

describe('clocks of time zones', () => {
  it('has no time where the clock was set forward', () => {
    expect(parse('yyyy-MM-dd HH:mm', '2024-03-31 01:59', 'Europe/Berlin')).toBe('2024-03-31T00:59:00.000Z')
    expect(parse('yyyy-MM-dd HH:mm', '2024-03-31 02:00', 'Europe/Berlin')).toBe(undefined)
    expect(parse('yyyy-MM-dd HH:mm', '2024-03-31 02:59', 'Europe/Berlin')).toBe(undefined)
    expect(parse('yyyy-MM-dd HH:mm', '2024-03-31 03:00', 'Europe/Berlin')).toBe('2024-03-31T01:00:00.000Z')
    expect(parse('yyyy-MM-dd HH:mm', '2011-12-30 12:00', 'Pacific/Apia')).toBe(undefined)
    expect(parse('yyyy-MM-dd HH:mm', '2011-12-31 00:00', 'Pacific/Apia')).toBe('2011-12-30T10:00:00.000Z')
  })

  it('uses the chosen one of two times where the clock was set back, and none where none was chosen', () => {
    const at = (fold: Fold | undefined, text: string, zone = 'Europe/Berlin') => {
      const ms = compileDateParser(['yyyy-MM-dd HH:mm'], zone, { fold })(text)
      return ms === undefined ? undefined : isoText(ms)
    }
    expect(at('earlier', '2024-10-27 02:30')).toBe('2024-10-27T00:30:00.000Z')
    expect(at('later', '2024-10-27 02:30')).toBe('2024-10-27T01:30:00.000Z')
    expect(at(undefined, '2024-10-27 02:30')).toBe(undefined)
    expect(at('error', '2024-10-27 01:59')).toBe('2024-10-26T23:59:00.000Z')
    expect(at('error', '2024-10-27 03:00')).toBe('2024-10-27T02:00:00.000Z')
    expect(at('earlier', '2024-04-07 01:45', 'Australia/Lord_Howe')).toBe('2024-04-06T14:45:00.000Z')
    expect(at('later', '2024-04-07 01:45', 'Australia/Lord_Howe')).toBe('2024-04-06T15:15:00.000Z')
    expect(at('later', '2024-03-31 02:30')).toBe(undefined)
    // Printing the text as it was read does not depend on the choice.
    expect(compileReformat(['yyyy-MM-dd HH:mm'], 'Europe/Berlin', 'yyyy-MM-dd')('2024-10-27 02:30')).toBe('2024-10-27')
    expect(compileReformat(['yyyy-MM-dd HH:mm'], 'Europe/Berlin', 'iso')('2024-10-27 02:30')).toBe(undefined)
    expect(compileReformat(['yyyy-MM-dd HH:mm'], 'Europe/Berlin', 'iso', { fold: 'later' })('2024-10-27 02:30')).toBe(
      '2024-10-27T02:30:00.000+01:00',
    )
  })

  it('drops digits finer than a millisecond where that was chosen', () => {
    const cut = (format: string, text: string) =>
      [{}, { fraction: 'truncate' as const }].map((choices) => compileDateParser([format], 'UTC', choices)(text))
    expect(cut('iso', '1970-01-01T00:00:00.123999Z')).toEqual([undefined, 123])
    expect(cut('yyyy-MM-dd HH:mm:ss.SSSSSS', '1970-01-01 00:00:00.123999')).toEqual([undefined, 123])
    expect(cut('yyyy-MM-dd HH:mm:ss.SSSSSS', '1970-01-01 00:00:00.123a99')).toEqual([undefined, undefined])
    expect(cut('epoch_s', '0.0019')).toEqual([undefined, 1])
    expect(cut('epoch_s', '-0.0011')).toEqual([undefined, -2])
    expect(cut('iso', '1969-12-31T23:59:59.9989Z')).toEqual([undefined, -2])
  })

  it('says why a text is not a date', () => {
    const why = (text: string, ...formats: string[]) => whyNoDate({ formats, zone: 'Europe/Berlin' }, text, text)
    const wall = 'yyyy-MM-dd HH:mm'
    expect(why('2024-03-31 02:30', 'iso', wall)).toBe(
      '2024-03-31 02:30 does not exist in Europe/Berlin, where clocks are set forward over it',
    )
    expect(why('2024-10-27 02:30', wall)).toMatch('occurs twice in Europe/Berlin')
    expect(why('0001-01-01 00:30', wall)).toBe('0001-01-01 00:30 is not within the years 1 to 9999')
    expect(why('2024-11-03 01:30 America/New_York', `${wall} VV`)).toMatch('occurs twice in America/New_York')
    expect(why('2024-01-02T03:04:05.123456Z', "yyyy-MM-dd'T'HH:mm:ss.SSSSSSX")).toMatch('finer than a millisecond')
    expect(why('2024-02-30 02:30', wall, 'iso')).toBe(`2024-02-30 02:30 is not a date: expected ${wall} or iso`)
  })

  it('detects an offset that lasted a week', () => {
    const at = (text: string) => parse('yyyy-MM-dd HH:mm', text, 'America/Recife')
    expect(at('2000-10-07 12:00')).toBe('2000-10-07T15:00:00.000Z')
    expect(at('2000-10-08 12:00')).toBe('2000-10-08T14:00:00.000Z')
    expect(at('2000-10-14 12:00')).toBe('2000-10-14T14:00:00.000Z')
    expect(at('2000-10-15 12:00')).toBe('2000-10-15T15:00:00.000Z')
  })

  it('prefers an offset given in the text', () => {
    expect(parse('iso', '2024-03-31T02:30:00+01:00', 'Europe/Berlin')).toBe('2024-03-31T01:30:00.000Z')
    expect(parse('yyyy-MM-dd HH:mm VV', '2024-07-01 12:00 America/New_York', 'Europe/Berlin')).toBe(
      '2024-07-01T16:00:00.000Z',
    )
  })

  it('accepts fixed offsets as zones', () => {
    expect(parse('yyyy-MM-dd HH:mm', '2024-07-01 12:00', '+05:30')).toBe('2024-07-01T06:30:00.000Z')
  })

  it('says which names are not zones', () => {
    expect(['UTC', 'Europe/Berlin', '-03:00'].map(checkZone)).toEqual([undefined, undefined, undefined])
    expect(checkZone('Europe/Berlino')).toBe(
      '"Europe/Berlino" is not a time zone: write an IANA name such as Europe/Berlin, or UTC',
    )
    expect(() => compileDateParser(['iso'], 'Mars')).toThrow(MillraceError)
  })
})

describe('printing dates', () => {
  const at = Date.UTC(2010, 11, 1, 8, 6, 5, 70)
  it.each<[string, string, string]>([
    ['yyyy-MM-dd HH:mm:ss', 'UTC', '2010-12-01 08:06:05'],
    ['dd-MM-yyyy HH:mm:ss', 'UTC', '01-12-2010 08:06:05'],
    ['d/M/yy H:m:s', 'UTC', '1/12/10 8:6:5'],
    ["EEEE, d MMMM yyyy 'at' h:mm a", 'America/Los_Angeles', 'Wednesday, 1 December 2010 at 12:06 AM'],
    ['E dd MMM hh a', 'UTC', 'Wed 01 Dec 08 AM'],
    ['S SS SSS SSSSSS', 'UTC', '0 07 070 070000'],
    ['X XX XXX x xx xxx Z ZZZZZ', 'UTC', 'Z Z Z +00 +0000 +00:00 +0000 Z'],
    ['X XX XXX x xx xxx Z ZZZZZ', 'Asia/Kolkata', '+0530 +0530 +05:30 +0530 +0530 +05:30 +0530 +05:30'],
    ['X VV', 'America/New_York', '-05 America/New_York'],
    ['iso', 'UTC', '2010-12-01T08:06:05.070Z'],
    ['iso', 'Europe/Berlin', '2010-12-01T09:06:05.070+01:00'],
    ['epoch_s', 'UTC', '1291190765.07'],
    ['epoch_ms', 'UTC', '1291190765070'],
    ['yyyy', 'UTC', '2010'],
  ])('%s in %s', (pattern, zone, expected) => {
    expect(checkDateFormat(pattern, 'print')).toBe(undefined)
    expect(compileDateFormatter(pattern, zone)(at)).toBe(expected)
  })

  it('prints times before 1970', () => {
    expect(isoText(-1)).toBe('1969-12-31T23:59:59.999Z')
    expect(compileDateFormatter('epoch_s', 'UTC')(-1500)).toBe('-1.5')
    expect(compileDateFormatter('epoch_s', 'UTC')(-60_000)).toBe('-60')
  })

  it('refuses years that have no textual form', () => {
    expect(() => isoText(Number.NaN)).toThrow(RangeError)
    expect(() => isoText(253_402_300_800_000)).toThrow('not within the years 1 to 9999')
    expect(() => compileDateFormatter('yyyy', 'Asia/Tokyo')(253_402_300_799_999)).toThrow(RangeError)
  })
})

describe('converting from one format to another', () => {
  it('uses the clock of one zone', () => {
    expect(compileReformat(['M/d/yyyy H:mm'], 'UTC', 'yyyy-MM-dd HH:mm:ss')('12/1/2010 8:26')).toBe(
      '2010-12-01 08:26:00',
    )
    expect(compileReformat(['iso'], 'Europe/Berlin', 'yyyy-MM-dd HH:mm')('2010-12-01T23:30:00Z')).toBe(
      '2010-12-02 00:30',
    )
    expect(compileReformat(['M/d/yyyy H:mm'], 'Europe/Berlin', 'iso')('7/1/2010 8:26')).toBe(
      '2010-07-01T08:26:00.000+02:00',
    )
    expect(compileReformat(['epoch_s'], 'UTC', 'epoch_ms')('1.5')).toBe('1500')
  })

  it('refuses times that do not exist', () => {
    const berlin = compileReformat(['yyyy-MM-dd HH:mm'], 'Europe/Berlin', 'dd.MM.yyyy HH:mm')
    expect(berlin('2024-03-31 02:30')).toBe(undefined)
    expect(berlin('2024-02-30 02:30')).toBe(undefined)
    expect(berlin('2024-03-31 03:30')).toBe('31.03.2024 03:30')
  })

  it('does the same as reading and then printing', () => {
    const froms = ['M/d/yyyy H:mm', 'iso', 'yyyy-MM-dd HH:mmXXX']
    const tos = ['yyyy-MM-dd HH:mm:ss', 'iso', 'd MMM yyyy h a XXX']
    const instant = fc.integer({ min: -2_000_000_000, max: 4_000_000_000 }).map((s) => s * 1000)
    const zones = fc.constantFrom('UTC', 'Europe/Berlin', '+05:30', 'America/St_Johns')
    fc.assert(
      fc.property(
        instant,
        fc.constantFrom(...froms),
        fc.constantFrom(...tos),
        zones,
        zones,
        (ms, from, to, zone, textZone) => {
          const text = compileDateFormatter(from, textZone)(ms)
          const read = compileDateParser([from], zone)(text)
          const expected = read === undefined ? undefined : compileDateFormatter(to, zone)(read)
          expect(compileReformat([from], zone, to)(text)).toBe(expected)
        },
      ),
    )
  })
})

describe('what is wrong with a format', () => {
  it.each<[string, string]>([
    ['', 'is empty'],
    ['yyyy-mm-dd', 'has no month: write `M` or `MM` (`m` is minutes)'],
    ['YYYY-MM-dd', '`Y` counts week years: write `yyyy`'],
    ['yyyy-MM-DD', '`D` is the day of the year: write `d` or `dd`'],
    ['yyy-MM-dd', '`yyy` is not a year'],
    ['MM/dd', 'has no year'],
    ['yyyy-MM', 'has no day'],
    ['yyyy-MM-dd hh:mm', '`h` is a 12-hour clock and needs `a`'],
    ['yyyy-MM-dd HH:mm a', '`a` (AM or PM) only goes with `h`'],
    ['yyyy-MM-dd :mm', 'minutes without an hour'],
    ['yyyy-MM-dd HH ss', 'seconds without minutes'],
    ['yyyy-MM-dd HH:mm.SSS', 'a fraction without seconds'],
    ['yyyy-MM-dd MMM', 'has the month twice'],
    ['M/d/yyyy H:MM', 'has the month twice (`m` is minutes)'],
    ['yyyy-MM-dd XXX VV', 'has the zone twice'],
    ['yyyyMd', 'followed by a digit'],
    ["yyyy-MM-d'1'", 'followed by a digit'],
    ["yyyy-MM-dd'T", 'an unclosed quote'],
    ['yyyy-MM-ddTHH:mm', "in quotes: 'T'"],
    ['yyyy-MM-dd[ HH:mm]', '[ is reserved'],
    ['yyyy-MM-dd HH:mm z', 'zone names are ambiguous'],
    ['yyyy-MM-dd q', '`q` has no meaning'],
    ['MMMMM d yyyy', 'too many letters'],
    ['ISO', 'has no meaning'],
  ])('%j', (format, expected) => {
    expect(checkDateFormat(format)).toContain(expected)
    expect(() => compileDateParser([format], 'UTC')).toThrow(expected)
  })

  it('lets printed formats name any parts of a date, but at least one', () => {
    expect(checkDateFormat('yyyy-MM', 'print')).toBe(undefined)
    expect(checkDateFormat('HH:mm', 'print')).toBe(undefined)
    expect(checkDateFormat("'day'", 'print')).toContain('has no part of a date')
  })
})

describe('a day whose midnight the clocks skip', () => {
  it.each([
    ['Africa/Cairo', '26/04/2024', '2024-04-25T22:00:00.000Z'],
    ['America/Santiago', '08/09/2024', '2024-09-08T04:00:00.000Z'],
    ['Asia/Beirut', '31/03/2024', '2024-03-30T22:00:00.000Z'],
  ])('is read as a day of %s, and begins when it does', (zone, text, begins) => {
    expect(compileReformat(['dd/MM/yyyy'], zone, 'yyyy-MM-dd')(text)).toBe(text.split('/').toReversed().join('-'))
    expect(new Date(compileDateParser(['dd/MM/yyyy'], zone)(text)!).toISOString()).toBe(begins)
    // A time of day that was skipped does not exist.
    expect(compileDateParser(['dd/MM/yyyy HH:mm'], zone)(`${text} 00:00`)).toBeUndefined()
  })
})

it.each([
  ['yyyy-mm-dd hh:mm', '`M` is the month'],
  ['yyyy-mm-dd', '`M` is the month'],
  ['dd.MM.yyyy hh:mm', '`H` for 24 hours'],
])('%s is refused for printing, since it does not mean what was intended', (format, says) => {
  expect(checkDateFormat(format, 'print')).toContain(says)
})

it('the change of a clock is located to the ms, even at the very start of a sampled step', () => {
  for (const name of ['Asia/Jerusalem', 'Asia/Gaza', 'Europe/Chisinau', 'Asia/Baku', 'Europe/Berlin']) {
    const print = compileDateFormatter('HH:mm', name)
    const platform = new Intl.DateTimeFormat('en-GB', {
      timeZone: name,
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    })
    for (let at = Date.UTC(1995, 0, 1); at < Date.UTC(2030, 0, 1); at += 86_400_000)
      for (const ms of [at - 1, at]) if (print(ms) !== platform.format(ms)) expect([name, ms, print(ms)]).toEqual([])
  }
})
