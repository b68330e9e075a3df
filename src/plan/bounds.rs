//! What users and ledgers can make grow in a record, and how much of it is kept.

use crate::{
    api::{Attempt, Debit, PhoneNumberClaim, RETRY_ANNOTATION},
    domain::mark,
};

/// The longest retry token, bytes; what is longer is ignored.
pub const LONGEST_TOKEN: usize = 253;

/// So many of the latest spent tokens are kept as they were typed, and so much of them in all, bytes as stored.
const KEPT_TOKENS: usize = 64;
const KEPT_TOKENS_SIZE: usize = 18_000;

const LISTED_DEBITS: usize = 50;

const KEPT_ANSWERS: usize = 50;

/// So many claims are known to have given the number up.
const KEPT_CLAIMS: usize = 64;

/// Of older or further ones, so many marks.
const KEPT_MARKS: usize = 500;

/// Stands before a mark in a list of ids.
pub const MARKED: char = '~';

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryToken<'a> {
    None,
    Usable(&'a str),
    TooLong,
}

impl<'a> RetryToken<'a> {
    /// The token, unless it is ignored.
    #[must_use]
    pub fn usable(self) -> Option<&'a str> {
        if let Self::Usable(token) = self { Some(token) } else { None }
    }
}

/// What the claim's user asks with, if anything.
pub fn retry_token(claim: &PhoneNumberClaim) -> RetryToken<'_> {
    let annotations = claim.metadata.annotations.as_ref();
    match annotations.and_then(|annotations| annotations.get(RETRY_ANNOTATION)) {
        None => RetryToken::None,
        Some(token) if token.len() > LONGEST_TOKEN => RetryToken::TooLong,
        Some(token) => RetryToken::Usable(token),
    }
}

/// Cuts a token that is too long to as much as shows that it is: no decision needs more of it.
pub fn cut_token(token: &mut String) {
    token.truncate(token.ceil_char_boundary(LONGEST_TOKEN + 1));
    token.shrink_to_fit();
}

/// Whether the token was used up before. Of tokens that share a mark, one counts as used up because the other was: at
/// worst a user who looks for such a pair has to type a third one.
pub fn is_spent(attempt: &Attempt, token: &str) -> bool {
    let marked = || {
        let mark = mark(token);
        attempt.older_spent_tokens.contains(&mark)
    };
    attempt.spent_tokens.iter().any(|spent| spent == token) || marked()
}

/// What is left of an identity where many are kept.
pub fn marked(identity: &str) -> String {
    format!("{MARKED}{}", mark(identity))
}

/// The identities, or marks of them, of all debits that a decision is about, as far as the record knows them.
pub fn unexplained(attempt: &Attempt) -> impl Iterator<Item = String> {
    let listed = attempt.unexplained_debits.iter().map(Debit::identity);
    listed.chain(attempt.further_debits.iter().map(|mark| format!("{MARKED}{mark}")))
}

pub fn spent_count(attempt: &Attempt) -> i64 {
    attempt.spent_tokens_count.unwrap_or_default().max(count(attempt.spent_tokens.len()))
}

/// What an attempt knows of spent tokens beside those that it lists: marks, and how many there were.
pub fn older_spent(attempt: &Attempt) -> (Vec<String>, i64) {
    let listed = count(attempt.spent_tokens.len());
    (attempt.older_spent_tokens.clone(), spent_count(attempt) - listed)
}

/// How many debits a decision is about.
pub fn debits_count(attempt: &Attempt) -> i64 {
    attempt.unexplained_debits_count.unwrap_or_default().max(count(attempt.unexplained_debits.len()))
}

fn count(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

/// Keeps an attempt small, regardless of what was put into it: every write passes through here. Forgetting costs a
/// question, never money: a forgotten answer is asked for again.
pub fn bound(attempt: &mut Attempt) {
    attempt.spent_tokens_count = Some(spent_count(attempt)).filter(|count| *count > 0);
    let surplus = surplus_tokens(&attempt.spent_tokens);
    attempt.older_spent_tokens.extend(attempt.spent_tokens.drain(..surplus).map(|token| mark(&token)));
    keep_last(&mut attempt.older_spent_tokens, KEPT_MARKS);

    if attempt.unexplained_debits.len() > LISTED_DEBITS {
        attempt.unexplained_debits_count = Some(debits_count(attempt));
        list_latest(&mut attempt.unexplained_debits);
        let further = attempt.unexplained_debits.drain(LISTED_DEBITS..);
        attempt.further_debits = further.take(KEPT_MARKS).map(|debit| mark(&debit.identity())).collect();
    }

    let old = attempt.answered_debits.len().saturating_sub(KEPT_ANSWERS);
    for answer in &mut attempt.answered_debits[..old] {
        if !answer.starts_with(MARKED) {
            *answer = marked(answer);
        }
    }
    keep_last(&mut attempt.earlier_claims, KEPT_CLAIMS);
    keep_last(&mut attempt.answered_debits, KEPT_ANSWERS + LISTED_DEBITS + KEPT_MARKS);
}

/// The latest first: debits without a date, and those that another attempt may meet again.
fn list_latest(debits: &mut [Debit]) {
    debits.sort_by_key(|debit| (debit.at.is_some(), std::cmp::Reverse(debit.at)));
}

/// How many of the oldest tokens are too many.
fn surplus_tokens(tokens: &[String]) -> usize {
    let mut size = 0;
    let kept = tokens.iter().rev().take(KEPT_TOKENS).take_while(|token| {
        size += stored_size(token);
        size <= KEPT_TOKENS_SIZE
    });
    tokens.len() - kept.count()
}

/// How many bytes a word takes up as the API server stores it: most signs are escaped, with six bytes at most.
fn stored_size(word: &str) -> usize {
    let size = |c: char| if c.is_ascii_alphanumeric() || "-_.:/=+ ".contains(c) { 1 } else { 6 };
    word.chars().map(size).sum::<usize>() + 3
}

fn keep_last<T>(list: &mut Vec<T>, most: usize) {
    list.drain(..list.len().saturating_sub(most));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{AttemptId, LedgerRow},
        plan::{NewAttempt, answers::Answers},
    };

    fn attempt() -> Attempt {
        NewAttempt::for_tests().open(AttemptId::from_random([7; 16]), "2026-01-02T03:04:05Z".parse().unwrap())
    }

    fn spend(attempt: &mut Attempt, token: String) {
        attempt.spent_tokens.push(token);
        attempt.spent_tokens_count = attempt.spent_tokens_count.map(|count| count + 1);
        bound(attempt);
    }

    #[test]
    fn the_last_sixty_four_tokens_are_kept_and_older_ones_are_still_spent() {
        let mut attempt = attempt();
        for token in 0..500 {
            spend(&mut attempt, format!("token-{token}"));
        }
        assert_eq!((attempt.spent_tokens.len(), attempt.spent_tokens_count), (64, Some(500)));
        assert_eq!(attempt.spent_tokens[0], "token-436");
        assert!((0..500).all(|token| is_spent(&attempt, &format!("token-{token}"))));
        assert!(!is_spent(&attempt, "token-500") && !is_spent(&attempt, ""));
    }

    #[test]
    fn tokens_from_before_there_was_a_limit_are_bounded_by_the_next_write() {
        let mut attempt = attempt();
        attempt.spent_tokens = vec!["x".repeat(250_000), "y".repeat(250_000), "short".into()];
        bound(&mut attempt);
        assert_eq!(
            (attempt.spent_tokens.as_slice(), attempt.spent_tokens_count),
            (&["short".into()][..], Some(3))
        );
        assert!(is_spent(&attempt, &"x".repeat(250_000)));
    }

    #[test]
    fn tokens_are_kept_by_what_they_take_up_when_they_are_stored() {
        let (mut plain, mut signs) = (attempt(), attempt());
        for token in 0..64 {
            spend(&mut plain, format!("{token:0253}"));
            spend(&mut signs, format!("{token:02}{}", "<".repeat(251)));
        }
        assert_eq!(plain.spent_tokens.len(), 64);
        assert_eq!((signs.spent_tokens.len(), signs.older_spent_tokens.len()), (11, 53));
    }

    #[test]
    fn a_token_of_253_bytes_is_usable_and_a_longer_one_is_cut_and_ignored() {
        let of = |token: String| {
            let mut claim: PhoneNumberClaim = serde_json::from_str(
                r#"{"apiVersion":"telephony.vobiz.ai/v1alpha1","kind":"PhoneNumberClaim","metadata":{},"spec":{"e164":"+12"}}"#,
            )
            .unwrap();
            claim.metadata.annotations = Some([(RETRY_ANNOTATION.to_owned(), token)].into());
            claim
        };
        assert_eq!(retry_token(&of("x".repeat(253))), RetryToken::Usable(&"x".repeat(253)));
        for long in ["x".repeat(254), "x".repeat(250_000), "é".repeat(127), "📞".repeat(60_000)] {
            assert_eq!(retry_token(&of(long.clone())), RetryToken::TooLong);
            let mut cut = long;
            cut_token(&mut cut);
            assert!(cut.capacity() < 300, "{}", cut.capacity());
            assert_eq!(retry_token(&of(cut)), RetryToken::TooLong);
        }
    }

    fn is_answered(answered: &[String], id: &str) -> bool {
        let row = LedgerRow::for_tests(&format!(r#"{{"id":"{id}","type":"debit"}}"#));
        Answers::of(answered).take(&row).is_some()
    }

    fn debit(id: usize, minute: usize) -> Debit {
        let at = format!("2026-01-02T03:{minute:02}:05Z").parse().ok();
        Debit { id: format!("t{id}"), amount: None, currency: None, at }
    }

    #[test]
    fn fifty_debits_are_listed_and_an_answer_answers_the_others_too() {
        let mut attempt = attempt();
        attempt.unexplained_debits = (0..400).map(|id| debit(id, id % 60)).collect();
        bound(&mut attempt);
        bound(&mut attempt);
        assert_eq!((attempt.unexplained_debits.len(), attempt.unexplained_debits_count), (50, Some(400)));
        assert!(
            attempt
                .unexplained_debits
                .iter()
                .all(|debit| debit.at.unwrap().to_string().as_str() > "2026-01-02T03:51")
        );
        attempt.answered_debits = unexplained(&attempt).collect();
        bound(&mut attempt);
        assert!((0..400).all(|id| is_answered(&attempt.answered_debits, &format!("t{id}"))));
        assert!(!is_answered(&attempt.answered_debits, "t400"));
    }

    #[test]
    fn what_was_answered_several_times_stays_answered() {
        let mut attempt = attempt();
        for round in 0..8 {
            attempt.unexplained_debits = (round * 60..(round + 1) * 60).map(|id| debit(id, 5)).collect();
            attempt.unexplained_debits_count = None;
            bound(&mut attempt);
            let answered = unexplained(&attempt).collect::<Vec<_>>();
            attempt.answered_debits.extend(answered);
            bound(&mut attempt);
        }
        assert!((0..480).all(|id| is_answered(&attempt.answered_debits, &format!("t{id}"))));
    }
}
