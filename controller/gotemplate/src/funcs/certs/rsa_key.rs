//! RSA private keys with the checks of Go's `crypto/rsa`.

use crypto_bigint::{BoxedUint, ConcatenatingMul as _, NonZero};
use rsa::traits::{PrivateKeyParts as _, PublicKeyParts as _};
use zeroize::Zeroizing;

use super::asn1::{Field, Fields, Kind, Parameters};
use super::der;
use super::public_key::{PublicKey, positive};
use crate::error::Message;

/// A number without leading zeros.
pub(in crate::funcs) type Number = Zeroizing<Vec<u8>>;

/// A key of two primes that has been checked.
pub(in crate::funcs) struct RsaKey {
    pub(in crate::funcs) modulus: Number,
    pub(in crate::funcs) exponent: i64,
    pub(in crate::funcs) private: Number,
    pub(in crate::funcs) primes: [Number; 2],
    chinese: Chinese,
}

/// What makes the private operation faster.
struct Chinese {
    exponents: [Number; 2],
    coefficient: Number,
}

/// A key before it is checked. Numbers may have leading zeros.
pub(in crate::funcs) struct Components<'a> {
    pub(in crate::funcs) modulus: &'a [u8],
    pub(in crate::funcs) exponent: i64,
    pub(in crate::funcs) private: &'a [u8],
    pub(in crate::funcs) primes: [&'a [u8]; 2],
    /// Both exponents and the coefficient; computed if one is missing.
    pub(in crate::funcs) chinese: Option<[&'a [u8]; 3]>,
}

/// The number as the file has it.
fn number(bytes: &[u8]) -> Number {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    Zeroizing::new(bytes.get(zeros..).unwrap_or_default().to_vec())
}

/// The fields of `pkcs1PrivateKey`.
pub(super) struct Pkcs1<'a> {
    version: i64,
    exponent: i64,
    /// n, d, p, q
    numbers: [&'a [u8]; 4],
    chinese: [Option<&'a [u8]>; 3],
    more_primes: bool,
    rest: &'a [u8],
}

impl<'a> Pkcs1<'a> {
    /// Reads the fields, as `asn1.Unmarshal` does.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, Message> {
        let mut outer = Fields::new(bytes);
        let mut fields = outer.required(Kind::Struct("pkcs1PrivateKey"))?.fields();
        let version = fields.int()?;
        let modulus = fields.required(Kind::BigInt)?.integer()?;
        let exponent = fields.int()?;
        let mut next = || fields.required(Kind::BigInt)?.integer();
        let numbers = [modulus, next()?, next()?, next()?];
        let mut optional = || {
            let field = fields.field(Kind::BigInt, Parameters::OPTIONAL)?;
            field.map(Field::integer).transpose()
        };
        let chinese = [optional()?, optional()?, optional()?];
        let parameters = Parameters { omit_empty: true, ..Parameters::OPTIONAL };
        let more = fields.field(Kind::Slice, parameters)?;
        let mut more_primes = false;
        if let Some(more) = more {
            let mut primes = more.elements(Kind::Struct("pkcs1AdditionalRSAPrime"))?;
            while !primes.rest().is_empty() {
                let prime = primes.required(Kind::Struct("pkcs1AdditionalRSAPrime"))?;
                let mut prime = prime.fields();
                for _ in 0..3 {
                    prime.required(Kind::BigInt)?.integer()?;
                }
                more_primes = true;
            }
        }
        Ok(Self { version, exponent, numbers, chinese, more_primes, rest: outer.rest() })
    }

    /// The key, with everything that `ParsePKCS1PrivateKey` checks.
    pub(super) fn key(&self) -> Result<RsaKey, Message> {
        if !self.rest.is_empty() {
            return Err("asn1: syntax error: trailing data".into());
        }
        if self.version > 1 {
            return Err("x509: unsupported private key version".into());
        }
        let mut values = self.numbers.iter().chain(self.chinese.iter().flatten());
        if values.any(|value| positive(value).is_none()) {
            return Err("x509: private key contains zero or negative value".into());
        }
        if self.more_primes {
            return Err("RSA keys of more than two primes are not supported".into());
        }
        let [modulus, private, p, q] = self.numbers;
        let chinese = match self.chinese {
            [Some(dp), Some(dq), Some(coefficient)] => Some([dp, dq, coefficient]),
            _ => None,
        };
        let exponent = self.exponent;
        RsaKey::check(&Components { modulus, exponent, private, primes: [p, q], chinese })
    }
}

/// Computes with numbers of any size, none of which is negative.
struct Arithmetic;

type Uint = Zeroizing<BoxedUint>;

impl Arithmetic {
    fn read(bytes: &[u8]) -> Uint {
        Zeroizing::new(BoxedUint::from_be_slice_vartime(bytes))
    }

    fn write(value: &BoxedUint) -> Number {
        number(&Zeroizing::new(value.to_be_bytes().into_vec()))
    }

    /// The remainder. `None`: the divisor is zero.
    fn rem(value: &BoxedUint, divisor: &BoxedUint) -> Option<Uint> {
        let divisor = NonZero::new(divisor.clone()).into_option()?;
        Some(Zeroizing::new(value.rem(&divisor)))
    }

    fn minus_one(value: &BoxedUint) -> Uint {
        Zeroizing::new(value.wrapping_sub(BoxedUint::one()))
    }

    fn is_one(value: &BoxedUint) -> bool {
        value.is_one().to_bool()
    }
}

impl RsaKey {
    /// Checks a key in Go's order and with its texts.
    pub(in crate::funcs) fn check(key: &Components<'_>) -> Result<Self, Message> {
        let modulus = number(key.modulus);
        let private = number(key.private);
        let [p, q] = key.primes.map(number);
        let (n, d) = (Arithmetic::read(&modulus), Arithmetic::read(&private));
        let (p_value, q_value) = (Arithmetic::read(&p), Arithmetic::read(&q));

        for value in [&modulus, &p, &q] {
            if matches!(&***value, [] | [1]) {
                return Err("modulus must be > 1".into());
            }
        }
        below(&private, &modulus)?;
        let p_minus_one = Arithmetic::minus_one(&p_value);
        let q_minus_one = Arithmetic::minus_one(&q_value);
        let d_mod_p = Arithmetic::rem(&d, &p_minus_one).ok_or("crypto/rsa: invalid prime")?;
        let d_mod_q = Arithmetic::rem(&d, &q_minus_one).ok_or("crypto/rsa: invalid prime")?;

        let chinese = if let Some([dp, dq, coefficient]) = key.chinese {
            let coefficient = number(coefficient);
            below(&coefficient, &p)?;
            Chinese { exponents: [number(dp), number(dq)], coefficient }
        } else {
            if [&p_minus_one, &q_minus_one].into_iter().any(|value| Arithmetic::is_one(value)) {
                return Err("modulus must be > 1".into());
            }
            let modulus = NonZero::new((*p_value).clone()).into_option();
            let odd = p.last().is_some_and(|last| last & 1 == 1);
            let modulus = modulus.filter(|_| odd).ok_or("crypto/rsa: p is even")?;
            let coefficient = q_value.rem(&modulus).invert_mod(&modulus).into_option();
            let coefficient = Zeroizing::new(coefficient.unwrap_or_else(BoxedUint::zero));
            Chinese {
                exponents: [Arithmetic::write(&d_mod_p), Arithmetic::write(&d_mod_q)],
                coefficient: Arithmetic::write(&coefficient),
            }
        };

        check_public(&modulus, key.exponent)?;
        for prime in [&p, &q] {
            below(prime, &modulus).map_err(|_| "crypto/rsa: invalid prime")?;
        }
        let product = Zeroizing::new(p_value.concatenating_mul(&*q_value));
        if Arithmetic::rem(&product, &n).is_none_or(|rest| !rest.is_zero().to_bool()) {
            return Err("crypto/rsa: p * q != n".into());
        }

        let exponent = Arithmetic::read(&key.exponent.to_be_bytes());
        let reduced =
            [(&p_minus_one, &chinese.exponents[0]), (&q_minus_one, &chinese.exponents[1])];
        for (modulus, exponent_mod) in reduced {
            if Arithmetic::is_one(modulus) {
                return Err("crypto/rsa: invalid prime".into());
            }
            below(exponent_mod, &Arithmetic::write(modulus))
                .map_err(|_| "crypto/rsa: invalid CRT exponent")?;
            let product =
                Zeroizing::new(Arithmetic::read(exponent_mod).concatenating_mul(&*exponent));
            if Arithmetic::rem(&product, modulus).is_none_or(|rest| !Arithmetic::is_one(&rest)) {
                return Err("crypto/rsa: invalid CRT exponent".into());
            }
        }
        let product =
            Zeroizing::new(Arithmetic::read(&chinese.coefficient).concatenating_mul(&*q_value));
        if Arithmetic::rem(&product, &p_value).is_none_or(|rest| !Arithmetic::is_one(&rest)) {
            return Err("crypto/rsa: invalid CRT coefficient".into());
        }
        if Arithmetic::write(&d_mod_p) != chinese.exponents[0] {
            return Err("crypto/rsa: d does not match dP".into());
        }
        if Arithmetic::write(&d_mod_q) != chinese.exponents[1] {
            return Err("crypto/rsa: d does not match dQ".into());
        }

        let (larger, smaller) =
            if below(&p, &q).is_ok() { (&q_value, &p_value) } else { (&p_value, &q_value) };
        let difference = Zeroizing::new(larger.wrapping_sub(&**smaller));
        if difference.is_zero().to_bool() {
            return Err("crypto/rsa: p == q".into());
        }
        let bits = i64::from(n.bit_width());
        if i64::from(difference.bit_width()) <= bits / 2 - 100 {
            return Err("crypto/rsa: |p - q| too small".into());
        }
        if i64::from(d.bit_width()) <= bits / 2 {
            return Err("crypto/rsa: d too small".into());
        }
        Ok(Self { modulus, exponent: key.exponent, private, primes: [p, q], chinese })
    }

    /// The length of the modulus.
    pub(in crate::funcs) fn bits(&self) -> usize {
        let zeros = self.modulus.first().map_or(0, |first| first.leading_zeros() as usize);
        self.modulus.len() * 8 - zeros
    }

    /// The `RSAPrivateKey` of PKCS#1.
    pub(in crate::funcs) fn pkcs1(&self) -> Number {
        let [p, q] = &self.primes;
        let [dp, dq] = &self.chinese.exponents;
        let exponent = self.exponent.to_be_bytes();
        let numbers: [&[u8]; 9] = [
            &[0],
            &self.modulus,
            &exponent,
            &self.private,
            p,
            q,
            dp,
            dq,
            &self.chinese.coefficient,
        ];
        let numbers = numbers.map(der::write_unsigned);
        let numbers: Vec<&[u8]> = numbers.iter().map(|number| &***number).collect();
        der::write_all(der::SEQUENCE, &numbers)
    }

    pub(in crate::funcs) fn public(&self) -> PublicKey {
        PublicKey::Rsa(self.modulus.to_vec(), self.exponent)
    }

    /// A key that has just been made.
    pub(in crate::funcs) fn from_engine(key: &rsa::PrivateKey) -> Result<Self, Message> {
        let bytes = |value: &BoxedUint| Zeroizing::new(value.to_be_bytes().into_vec());
        let (modulus, private) = (bytes(key.n()), bytes(key.d()));
        let exponent = der::signed(&number(&bytes(key.e())));
        let [p, q] = key.primes() else {
            return Err("crypto/rsa: missing primes".into());
        };
        let (p, q) = (bytes(p), bytes(q));
        Self::check(&Components {
            modulus: &modulus,
            exponent: exponent.unwrap_or_default(),
            private: &private,
            primes: [&p, &q],
            chinese: None,
        })
    }

    /// The key for the private operation.
    pub(in crate::funcs) fn engine(&self) -> Option<rsa::PrivateKey> {
        let read = |bytes: &[u8]| BoxedUint::from_be_slice_vartime(bytes);
        let exponent = read(&number(&self.exponent.to_be_bytes()));
        let primes = self.primes.iter().map(|prime| read(prime)).collect();
        let (modulus, private) = (read(&self.modulus), read(&self.private));
        rsa::PrivateKey::from_components(modulus, exponent, private, primes).ok()
    }
}

/// Whether one number without leading zeros is below another, in the words of `bigmod`.
fn below(value: &[u8], limit: &[u8]) -> Result<(), Message> {
    const LIMB: usize = 8;

    if value.len().div_ceil(LIMB) > limit.len().div_ceil(LIMB) {
        return Err("input overflows the modulus size".into());
    }
    if (value.len(), value) < (limit.len(), limit) {
        Ok(())
    } else {
        Err("input overflows the modulus".into())
    }
}

fn check_public(modulus: &[u8], exponent: i64) -> Result<(), Message> {
    Err(if modulus.last().is_none_or(|last| last & 1 == 0) {
        "crypto/rsa: public modulus is even"
    } else if exponent < 2 {
        "crypto/rsa: public exponent too small or negative"
    } else if exponent & 1 == 0 {
        "crypto/rsa: public exponent is even"
    } else if exponent > i64::from(i32::MAX) {
        "crypto/rsa: public exponent too large"
    } else {
        return Ok(());
    }
    .into())
}
