/** What guessers try first: the commonest passwords of public counts, those of servers in China, and what is made of the account's name. */

export const commonest: readonly string[] = [
  '123456', 'password', '12345678', 'root', 'admin', '123456789', '1234', '12345', '111111', '1234567', 'qwerty', 'admin123', 'toor', '123123', 'abc123', 'password1', 'P@ssw0rd', 'admin@123', '1qaz2wsx', 'qwe123',
  '000000', '1234567890', '123', 'test', '666666', '888888', 'a123456', 'root123', 'passw0rd', '123qwe', 'Passw0rd', 'P@ssword', 'Password1', 'Password123', 'password123', '1q2w3e4r', '1qaz@WSX', '1qaz!QAZ', 'qwer1234', 'Admin@123',
  'Aa123456', 'a123456789', '123456a', 'woaini1314', '5201314', '1314520', '520520', '123321', '654321', '112233', '121212', '88888888', '66666666', '00000000', '11111111', '12341234', 'iloveyou', 'monkey', 'dragon', 'letmein',
  'welcome', 'welcome1', 'Welcome1', 'changeme', 'secret', 'master', 'qwertyuiop', 'asdfghjkl', 'zxcvbnm', 'qazwsx', 'asdf1234', 'zaq12wsx', '!QAZ2wsx', 'q1w2e3r4', 'qwerty123', '1q2w3e', 'abcd1234', 'Abcd1234', 'Abc123456', 'aa123456',
  'test123', 'guest', 'default', 'administrator', 'server', 'linux', 'centos', 'ubuntu', 'debian', 'oracle', 'mysql', 'postgres', 'redis', 'tomcat', 'nginx', 'raspberry', 'alpine', 'Huawei@123', 'Aliyun123', 'P@ssw0rd123',
];

/** Made of the account's name. */
export function ofName(name: string): string[] {
  if (name === '' || name.length > 64) return [];
  const upper = name[0]!.toUpperCase() + name.slice(1);
  return [name, `${name}123`, `${name}@123`, `${name}123456`, `${name}1234`, `${upper}@123`, `${upper}123`, `${name}${name}`, Array.from(name).reverse().join(''), `${name}1`, `${name}!@#`];
}
