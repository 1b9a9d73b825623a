/**
 * The methods of Faker 10.6 that make one value, by the type of that value, so that a spec is checked without loading
 * the library. A test compares them with the library.
 */

/** The types of values that Faker makes. */
export type FakeKind = 'string' | 'boolean' | 'integer' | 'number' | 'bigint' | 'timestamp'

const byModule: Readonly<Record<string, Partial<Record<FakeKind, string>>>> = {
  airline: {
    string: 'aircraftType flightNumber recordLocator seat',
  },
  animal: {
    string: 'bear bird cat cetacean cow crocodilia dog fish horse insect lion petName rabbit rodent snake type',
  },
  book: {
    string: 'author format genre publisher series title',
  },
  color: {
    string: 'cssSupportedFunction cssSupportedSpace human rgb space',
  },
  commerce: {
    string: 'department isbn price product productAdjective productDescription productMaterial productName upc',
  },
  company: {
    string:
      'buzzAdjective buzzNoun buzzPhrase buzzVerb catchPhrase catchPhraseAdjective catchPhraseDescriptor ' +
      'catchPhraseNoun name',
  },
  database: {
    string: 'collation column engine mongodbObjectId type',
  },
  datatype: {
    boolean: 'boolean',
  },
  date: {
    timestamp: 'anytime birthdate future past recent soon',
    string: 'month timeZone weekday',
  },
  finance: {
    string:
      'accountName accountNumber amount bic bitcoinAddress creditCardCVV creditCardIssuer creditCardNumber ' +
      'currencyCode currencyName currencyNumericCode currencySymbol ethereumAddress iban litecoinAddress ' +
      'pin routingNumber transactionDescription transactionType',
  },
  food: {
    string: 'adjective description dish ethnicCategory fruit ingredient meat spice vegetable',
  },
  git: {
    string: 'branch commitDate commitEntry commitMessage commitSha',
  },
  hacker: {
    string: 'abbreviation adjective ingverb noun phrase verb',
  },
  helpers: {
    string: 'fromRegExp replaceSymbols',
  },
  image: {
    string: 'avatar avatarGitHub dataUri personPortrait url urlPicsumPhotos',
  },
  internet: {
    string:
      'displayName domainName domainSuffix domainWord email emoji exampleEmail httpMethod ip ipv4 ipv6 jwt ' +
      'jwtAlgorithm mac password protocol url userAgent username',
    integer: 'httpStatusCode port',
  },
  location: {
    string:
      'buildingNumber cardinalDirection city continent country countryCode county direction ' +
      'ordinalDirection postalAddress secondaryAddress state street streetAddress timeZone zipCode',
    number: 'latitude longitude',
  },
  lorem: {
    string: 'lines paragraph paragraphs sentence sentences slug text word words',
  },
  music: {
    string: 'album artist genre songName',
  },
  number: {
    bigint: 'bigInt',
    string: 'binary hex octal romanNumeral',
    number: 'float',
    integer: 'int',
  },
  person: {
    string:
      'bio firstName fullName gender jobArea jobDescriptor jobTitle jobType lastName middleName prefix sex ' +
      'sexType suffix zodiacSign',
  },
  phone: {
    string: 'imei number',
  },
  string: {
    string: 'alpha alphanumeric binary fromCharacters hexadecimal nanoid numeric octal sample symbol ulid uuid',
  },
  system: {
    string:
      'commonFileExt commonFileName commonFileType cron directoryPath fileExt fileName filePath fileType ' +
      'mimeType networkInterface semver',
  },
  vehicle: {
    string: 'bicycle color fuel manufacturer model type vehicle vin vrm',
  },
  word: {
    string: 'adjective adverb conjunction interjection noun preposition sample verb words',
  },
}

/** The type of a method's value, by its path: `person.fullName`. */
export const fakerMethods: ReadonlyMap<string, FakeKind> = new Map(
  Object.entries(byModule).flatMap(([module, byKind]) =>
    Object.entries(byKind).flatMap(([kind, names]) =>
      names.split(' ').map((name) => [`${module}.${name}`, kind as FakeKind] as const),
    ),
  ),
)

/** Those that need an argument. */
export const needArgument: ReadonlySet<string> = new Set([
  'helpers.fromRegExp',
  'helpers.replaceSymbols',
  'string.fromCharacters',
])
