use futures::future::join_all;
use tokio::sync::Semaphore;

use super::*;

/// Echoes keys, when it is let.
struct Echo {
    calls: Mutex<Vec<Vec<u32>>>,
    most: usize,
    /// Calls that may end.
    gate: Semaphore,
}

impl Source for Echo {
    type Key = u32;
    type Value = String;
    type Turn = ();

    async fn turn(&self, _: usize) {}

    fn most(&self, (): &()) -> usize {
        self.most
    }

    async fn read(&self, (): (), keys: &[u32]) -> Vec<Result<String, ProviderError>> {
        self.calls.lock().unwrap().push(keys.to_vec());
        self.gate.acquire().await.unwrap().forget();
        let answer = |key: &u32| match key {
            404 => Err(ProviderError::NotFound),
            500 => Err(ProviderError::Transient("later".to_owned())),
            666 => panic!("a call that breaks"),
            key => Ok(key.to_string()),
        };
        keys.iter().map(answer).collect()
    }

    fn size(&self, value: &String) -> usize {
        value.len()
    }
}

const LONG: Duration = Duration::from_mins(10);

fn echo_with(most: usize, keep: Duration, gate: usize) -> Arc<Coalescer<Echo>> {
    let source = Echo { calls: Mutex::default(), most, gate: Semaphore::new(gate) };
    Coalescer::new(source, Arc::new(Memory::new(keep, 100)))
}

fn echo(most: usize) -> Arc<Coalescer<Echo>> {
    echo_with(most, LONG, 1000)
}

/// Waits for something that is about to happen.
async fn until(mut happened: impl FnMut() -> bool) {
    let started = Instant::now();
    while !happened() {
        assert!(started.elapsed() < Duration::from_mins(1), "it does not happen");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// What an answer says, whenever the call for it began.
fn told(answer: &Dated<Echo>) -> Answer<Echo> {
    answer.clone().map(|(value, _)| value)
}

fn calls(echo: &Coalescer<Echo>) -> Vec<Vec<u32>> {
    std::mem::take(&mut echo.source.calls.lock().unwrap())
}

#[tokio::test]
async fn who_asks_together_shares_a_call() {
    let echo = echo(20);
    let since = Instant::now();
    let answers = join_all((0..1000).map(|number| echo.get(number % 10, since))).await;
    assert!(answers.iter().zip(0..).all(|(answer, n)| told(answer) == Ok((n % 10).to_string())));
    assert_eq!(calls(&echo), [(0..10).collect::<Vec<_>>()]);
    assert_eq!(echo.memory.asked.load(Ordering::Relaxed), 1000);
    assert_eq!(echo.memory.read.load(Ordering::Relaxed), 10);
}

#[tokio::test]
async fn a_call_carries_as_much_as_it_may() {
    let echo = echo(3);
    let since = Instant::now();
    join_all((0..7).map(|number| echo.get(number, since))).await;
    let mut sizes: Vec<_> = calls(&echo).iter().map(Vec::len).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [1, 3, 3]);
}

#[tokio::test]
async fn an_answer_older_than_the_question_allows_is_not_given() {
    let echo = echo_with(1, LONG, 2);
    let start = Instant::now();
    let (_, began) = echo.get(1, start).await.unwrap();
    assert!(began >= start);
    assert_eq!(echo.get(1, start).await.unwrap().1, began, "as old as it is");
    assert_eq!(calls(&echo).len(), 1, "remembered");
    let again = Instant::now();
    assert!(echo.get(1, again).await.unwrap().1 >= again);
    assert_eq!(calls(&echo).len(), 1, "asked anew");

    // One that is on its way already began too early for this question.
    let slow = Arc::clone(&echo);
    let early = tokio::spawn(async move { slow.get(2, start).await });
    until(|| echo.source.calls.lock().unwrap().len() == 1).await;
    let slow = Arc::clone(&echo);
    let late = tokio::spawn(async move { slow.get(2, Instant::now()).await });
    until(|| echo.source.calls.lock().unwrap().len() == 2).await;
    echo.source.gate.add_permits(2);
    assert_eq!(told(&late.await.unwrap()), Ok("2".to_owned()));
    assert_eq!(told(&early.await.unwrap()), Ok("2".to_owned()));
}

#[tokio::test]
async fn what_says_nothing_about_the_secret_is_not_remembered() {
    let echo = echo(20);
    let since = Instant::now();
    for _ in 0..2 {
        assert_eq!(told(&echo.get(404, since).await), Err(ProviderError::NotFound));
        assert!(echo.get(500, since).await.is_err());
    }
    assert_eq!(calls(&echo), [vec![404], vec![500], vec![500]]);
}

#[tokio::test]
async fn values_are_forgotten_though_nobody_asks() {
    let echo = echo_with(20, Duration::from_millis(50), 1);
    assert_eq!(told(&echo.get(12345, Instant::now()).await), Ok("12345".to_owned()));
    until(|| echo.memory.used.load(Ordering::Relaxed) == 0).await;
    assert!(echo.lock().slots.is_empty());
}

#[tokio::test]
async fn memory_has_a_limit() {
    let echo = echo(20);
    let since = Instant::now();
    join_all((0..200).map(|number| echo.get(1000 + number, since))).await;
    assert_eq!(echo.memory.used.load(Ordering::Relaxed), 100);
    assert_eq!(echo.lock().slots.len(), 25);
}

#[tokio::test]
async fn who_gives_up_does_not_stop_the_others() {
    let echo = echo(20);
    let since = Instant::now();
    let hasty = tokio::time::timeout(Duration::ZERO, echo.get(1, since)).await;
    assert!(hasty.is_err());
    assert_eq!(told(&echo.get(1, since).await), Ok("1".to_owned()));
    assert_eq!(calls(&echo).len(), 1);
}

#[tokio::test]
async fn a_call_that_breaks_harms_only_those_who_wait_for_it() {
    let echo = echo(1);
    let since = Instant::now();
    let (broken, fine) = tokio::join!(echo.get(666, since), echo.get(1, since));
    assert_eq!(broken.unwrap_err().category(), "transient");
    assert_eq!(told(&fine), Ok("1".to_owned()));
    assert_eq!(told(&echo.get(2, since).await), Ok("2".to_owned()));
    until(|| echo.lock().workers == 0).await;
}
