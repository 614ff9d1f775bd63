use super::*;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;

use super::super::syn_sent::tests::waiting;
use crate::socket::{Before, SocketMark, before_dial};
use crate::testing::definition;

fn defined(nodes: &[&str]) -> Arc<Definition> {
    definition(nodes, &[("flavour", "galera".into())])
}

/// Whether the socket was shut: its other end reads the end at once.
fn is_shut(fd: &impl std::os::fd::AsFd) -> bool {
    use rustix::event::{PollFd, PollFlags};
    let mut polled = [PollFd::new(fd, PollFlags::RDHUP)];
    let now = rustix::time::Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    rustix::event::poll(&mut polled, Some(&now)).unwrap();
    let gone = PollFlags::RDHUP | PollFlags::HUP | PollFlags::ERR;
    polled[0].revents().intersects(gone)
}

fn mark(fd: &impl AsRawFd) -> SocketMark {
    Duplicate::of(fd.as_raw_fd()).unwrap().mark()
}

/// As noted before the descriptor was opened.
fn before(fd: &impl AsRawFd) -> Before {
    Before::from_lowest(fd.as_raw_fd())
}

#[test]
fn all_sockets_to_the_node_are_shut_and_no_other() {
    for address in [
        IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(Ipv6Addr::LOCALHOST),
    ] {
        let [gone, alive] = [0, 1].map(|_| TcpListener::bind((address, 0)).unwrap());
        let [to_gone, to_alive] = [&gone, &alive].map(|l| l.local_addr().unwrap());
        let definition = defined(&[&to_gone.to_string(), &to_alive.to_string()]);
        let identity = |index: usize| definition.nodes[index].identity;
        let book = Book::default();
        let handle = TcpStream::connect(to_gone).unwrap();
        let unlisted = TcpStream::connect(to_gone).unwrap();
        let spared = TcpStream::connect(to_alive).unwrap();
        let probe = TcpStream::connect(to_gone).unwrap();
        probe
            .set_read_timeout(Some(crate::socket::PROBE_MARK))
            .unwrap();
        let listed = book.list(mark(&handle), identity(0));
        let other = book.list(mark(&spared), identity(1));
        assert_eq!(node(&definition, 0, &book), 2);
        assert!(listed.was_cut() && !other.was_cut());
        assert!(is_shut(&handle) && is_shut(&unlisted));
        assert!(!is_shut(&spared) && !is_shut(&probe));
    }
}

#[test]
fn a_unix_socket_to_the_node_is_shut() {
    let path = |name: &str| {
        let path = crate::testing::folder().join(format!("shut-{}-{name}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        path
    };
    let [gone, alive] = ["gone", "alive"].map(path);
    let _listeners = [&gone, &alive].map(|path| UnixListener::bind(path).unwrap());
    let [to_gone, to_alive] = [&gone, &alive].map(|path| UnixStream::connect(path).unwrap());
    let definition = defined(&[gone.to_str().unwrap(), alive.to_str().unwrap()]);
    assert_eq!(node(&definition, 0, &Book::default()), 1);
    assert!(is_shut(&to_gone) && !is_shut(&to_alive));
    for path in [gone, alive] {
        std::fs::remove_file(path).unwrap();
    }
}

#[test]
fn a_dial_that_gets_no_answer_to_its_syn_is_ended() {
    for address in [
        IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(Ipv6Addr::LOCALHOST),
    ] {
        let (_kept, dialling, to) = waiting(address);
        let definition = defined(&[&to.to_string()]);
        assert!(!is_shut(&dialling));
        // Found by its destination alone.
        assert!(node(&definition, 0, &Book::default()) >= 1);
        assert!(is_shut(&dialling));
    }
}

#[test]
fn a_dial_is_ended_when_its_limit_has_passed_and_not_before() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = silent.local_addr().unwrap();
    let definition = defined(&[&to.to_string()]);
    let book = Book::default();
    let dialled = TcpStream::connect(to).unwrap();
    let (number, _) = book.begin(&definition, 0, before(&dialled), 1_000, 500);
    assert_eq!(overdue_dials(&book, 1_499), 0);
    assert!(!is_shut(&dialled));
    assert_eq!(overdue_dials(&book, 1_500), 1);
    assert!(is_shut(&dialled));
    assert!(book.end(number), "what it returns is of no use");
    assert_eq!(overdue_dials(&book, 9_000), 0);
}

#[test]
fn a_dial_that_opens_its_socket_late_or_twice_is_ended_all_the_same() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = silent.local_addr().unwrap();
    let definition = defined(&[&to.to_string()]);
    let book = Book::default();
    let room = TcpStream::connect(to).unwrap();
    let noted = before(&room);
    let (number, _) = book.begin(&definition, 0, noted, 0, 100);
    assert_eq!(overdue_dials(&book, 100), 1);
    assert_eq!(overdue_dials(&book, 110), 0, "not looked at all the time");
    assert_eq!(book.next_look(110), Some(150));
    let second = TcpStream::connect(to).unwrap();
    let mut number_of_first = std::os::fd::OwnedFd::from(room);
    rustix::io::dup2(&second, &mut number_of_first).unwrap();
    assert_eq!(overdue_dials(&book, 150), 1);
    assert!(is_shut(&second));
    assert!(book.end(number));
}

#[test]
fn a_handle_that_a_dial_has_returned_is_never_touched_for_its_time() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = server.local_addr().unwrap();
    let definition = defined(&[&to.to_string()]);
    let identity = definition.nodes[0].identity;
    let book = Book::default();
    // Ended in time.
    let made = TcpStream::connect(to).unwrap();
    let (number, _) = book.begin(&definition, 0, before(&made), 0, 100);
    assert!(!book.end(number));
    assert_eq!(overdue_dials(&book, 5_000), 0);
    // Made by a dial within a dial that goes on.
    let (outer, _) = book.begin(&definition, 0, before(&made), 0, 100);
    let handle = book.list(mark(&made), identity);
    assert_eq!(overdue_dials(&book, 5_000), 0);
    assert!(!is_shut(&made) && !handle.was_cut());
    assert!(!book.end(outer));
    // Left behind by a fatal error.
    book.begin(&definition, 0, before(&made), 0, 100);
    drop(handle);
    book.end_all();
    assert_eq!(overdue_dials(&book, 9_000), 0);
    assert!(!is_shut(&made));
}

#[test]
fn a_handle_listed_just_after_its_socket_was_cut_knows_it() {
    let gone = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = gone.local_addr().unwrap();
    let definition = defined(&[&to.to_string()]);
    let book = Book::default();
    let made = TcpStream::connect(to).unwrap();
    let its = mark(&made);
    assert_eq!(node(&definition, 0, &book), 1);
    assert!(book.list(its, definition.nodes[0].identity).was_cut());
    let other = TcpStream::connect(to).unwrap();
    assert!(
        !book
            .list(mark(&other), definition.nodes[0].identity)
            .was_cut()
    );
}

#[test]
fn the_thread_is_woken_for_a_dial_only_when_it_would_look_too_late() {
    let definition = defined(&["127.0.0.1:1"]);
    let book = Book::default();
    let noted = before_dial().unwrap();
    let begin = |now, limit| book.begin(&definition, 0, noted, now, limit);
    assert!(book.set_alarm(1_000));
    let (first, wake) = begin(0, 900);
    assert!(wake);
    assert!(!book.set_alarm(1_000), "a dial is due before");
    assert_eq!(book.next_look(100), Some(900));
    assert!(book.set_alarm(900));
    let (second, wake) = begin(100, 900);
    assert!(!wake);
    book.end(first);
    book.end(second);
    // It lingers for one more limit, so that the next dial need not wake it.
    assert_eq!(book.next_look(900), Some(1_000));
    assert_eq!(book.next_look(1_000), None);
}

#[test]
fn handles_that_are_gone_leave_the_list() {
    let book = Book::default();
    let mark = SocketMark::new(0, 0, 0);
    for _ in 0..1_000 {
        drop(book.list(mark, 7));
    }
    assert!(book.listed() < 40, "{}", book.listed());
}
