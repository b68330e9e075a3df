//! Upper or lower case in Vobiz's paths, and which of the two works.

use parking_lot::Mutex;

use super::error::ReadError;

/// Vobiz's paths are case-sensitive, and its documentation disagrees with itself about the case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Casing {
    /// `/api/v1/account/…`
    #[value(name = "account")]
    Lower,
    /// `/api/v1/Account/…`
    #[value(name = "Account")]
    Upper,
}

impl Casing {
    /// The word in the path.
    #[must_use]
    pub fn segment(self) -> &'static str {
        match self {
            Self::Lower => "account",
            Self::Upper => "Account",
        }
    }

    pub(super) fn other(self) -> Self {
        match self {
            Self::Lower => Self::Upper,
            Self::Upper => Self::Lower,
        }
    }
}

/// The casing that last worked for each of `N` reads. A wrong one is answered with 401 or 404, so until one has worked
/// neither answer is believed before the other casing has given it too.
#[derive(Debug)]
pub struct Casings<const N: usize>(Mutex<[Option<Casing>; N]>);

/// A read that is asked in one casing.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    read: usize,
    pub casing: Casing,
    /// Whether that casing has worked before.
    proven: bool,
}

impl<const N: usize> Default for Casings<N> {
    fn default() -> Self {
        Self(Mutex::new([None; N]))
    }
}

impl<const N: usize> Casings<N> {
    /// The casing to ask in first: the one that worked before.
    pub(super) fn first(&self, read: usize) -> Asked {
        let worked = self.0.lock()[read];
        Asked { read, casing: worked.unwrap_or(Casing::Upper), proven: worked.is_some() }
    }

    /// Notes the answer to the first casing; returns whether the other one is to be asked as well.
    pub(super) fn doubts<T>(&self, asked: Asked, answer: &Result<T, ReadError>) -> bool {
        match answer {
            Ok(_) => self.0.lock()[asked.read] = Some(asked.casing),
            Err(ReadError::NoSuchEndpoint) => return true,
            Err(ReadError::Unauthorized) => return !asked.proven,
            Err(ReadError::Forbidden | ReadError::RateLimited { .. } | ReadError::Failed(_)) => {}
        }
        false
    }

    /// Notes the answer to the other casing; returns what both answers mean.
    ///
    /// # Errors
    /// If neither casing has worked.
    pub(super) fn decide<T>(
        &self,
        asked: Asked,
        first: Result<T, ReadError>,
        second: Result<T, ReadError>,
    ) -> Result<T, ReadError> {
        let mut known = self.0.lock();
        if second.is_ok() {
            known[asked.read] = Some(asked.casing.other());
        }
        match (first, second) {
            // What has worked before does not cease to exist: something on the way has answered.
            (Err(ReadError::NoSuchEndpoint), Err(_)) if asked.proven => Err(ReadError::unreadable("404")),
            // One casing does not exist, and a wrong one may be answered with 401: if anything else was ever accepted,
            // the credentials are not what is wrong.
            (Err(ReadError::NoSuchEndpoint), Err(ReadError::Unauthorized))
            | (Err(ReadError::Unauthorized), Err(ReadError::NoSuchEndpoint)) => {
                let accepted = known.iter().any(Option::is_some);
                Err(if accepted { ReadError::NoSuchEndpoint } else { ReadError::Unauthorized })
            }
            (_, second) => second,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asks where Vobiz answers so to the upper and to the lower case; returns the answer and what was asked.
    fn ask(
        casings: &Casings<2>,
        read: usize,
        [upper, lower]: [Result<(), ReadError>; 2],
    ) -> (Result<(), ReadError>, Vec<Casing>) {
        let asked = casings.first(read);
        let answer = |casing| if casing == Casing::Upper { upper.clone() } else { lower.clone() };
        let (first, other) = (answer(asked.casing), asked.casing.other());
        if !casings.doubts(asked, &first) {
            return (first, vec![asked.casing]);
        }
        (casings.decide(asked, first, answer(other)), vec![asked.casing, other])
    }

    #[test]
    fn neither_401_nor_404_is_believed_before_both_casings_say_so() {
        use Casing::{Lower, Upper};
        use ReadError::{Forbidden, NoSuchEndpoint, Unauthorized};
        let (both, failed) = (vec![Upper, Lower], || ReadError::Failed("500".into()));
        // Before any read was accepted, and after another one was.
        for (answers, expected, later, asked) in [
            ([Ok(()), Err(failed())], Ok(()), Ok(()), vec![Upper]),
            ([Err(failed()), Ok(())], Err(failed()), Err(failed()), vec![Upper]),
            ([Err(Forbidden), Ok(())], Err(Forbidden), Err(Forbidden), vec![Upper]),
            ([Err(NoSuchEndpoint), Ok(())], Ok(()), Ok(()), both.clone()),
            ([Err(Unauthorized), Ok(())], Ok(()), Ok(()), both.clone()),
            (
                [Err(NoSuchEndpoint), Err(NoSuchEndpoint)],
                Err(NoSuchEndpoint),
                Err(NoSuchEndpoint),
                both.clone(),
            ),
            ([Err(Unauthorized), Err(Unauthorized)], Err(Unauthorized), Err(Unauthorized), both.clone()),
            ([Err(NoSuchEndpoint), Err(Unauthorized)], Err(Unauthorized), Err(NoSuchEndpoint), both.clone()),
            ([Err(Unauthorized), Err(NoSuchEndpoint)], Err(Unauthorized), Err(NoSuchEndpoint), both.clone()),
            ([Err(NoSuchEndpoint), Err(failed())], Err(failed()), Err(failed()), both.clone()),
        ] {
            assert_eq!(
                ask(&Casings::default(), 0, answers.clone()),
                (expected, asked.clone()),
                "{answers:?}"
            );
            let casings = Casings::default();
            ask(&casings, 1, [Ok(()), Ok(())]).0.unwrap();
            assert_eq!(ask(&casings, 0, answers.clone()), (later, asked), "{answers:?}");
        }
    }

    #[test]
    fn the_casing_that_worked_is_asked_first_and_does_not_cease_to_exist() {
        use Casing::{Lower, Upper};
        use ReadError::{NoSuchEndpoint, Unauthorized};
        let casings = Casings::default();
        ask(&casings, 0, [Err(NoSuchEndpoint), Ok(())]).0.unwrap();
        assert_eq!(ask(&casings, 0, [Err(NoSuchEndpoint), Ok(())]), (Ok(()), vec![Lower]));
        assert_eq!(ask(&casings, 0, [Ok(()), Err(Unauthorized)]), (Err(Unauthorized), vec![Lower]));
        for upper in [NoSuchEndpoint, Unauthorized] {
            let gone = Err(ReadError::unreadable("404"));
            assert_eq!(ask(&casings, 0, [Err(upper), Err(NoSuchEndpoint)]), (gone, vec![Lower, Upper]));
        }
        assert_eq!(ask(&casings, 0, [Ok(()), Err(NoSuchEndpoint)]), (Ok(()), vec![Lower, Upper]));
        assert_eq!(ask(&casings, 0, [Ok(()), Err(NoSuchEndpoint)]), (Ok(()), vec![Upper]), "it has changed");
    }
}
